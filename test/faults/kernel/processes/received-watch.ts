import { readFileSync } from 'node:fs';
import { systemClock } from '#src/async/clock.js';

/** Interval between two looks, in milliseconds. */
const everyMs = 20;

/**
 * Observes from outside what a stopped server's system still accepts on its behalf: everything is acknowledged until the
 * receive buffer is full.
 */
export class ReceivedWatch implements Disposable {
  readonly #table: string;
  readonly #seen = new Map<string, { readonly bytes: string; readonly changedMs: number }>();
  readonly #timer: NodeJS.Timeout;

  /** @param pid a process in the server's network namespace */
  constructor(pid: number) {
    this.#table = `/proc/${pid}/net/tcp`;
    this.#look();
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  /** When the server's system last accepted bytes from that client; `undefined` if it has sent none. */
  lastFrom(clientHost: string): number | undefined {
    return this.#seen.get(clientHost)?.changedMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const atMs = systemClock.now();
    for (const line of this.#lines()) {
      const [, , remote = '', state, queues = ''] = line.trim().split(/\s+/);
      const [, bytes = ''] = queues.split(':');
      if (state !== established || Number.parseInt(bytes, 16) === 0) continue;
      const host = hostOf(remote);
      if (this.#seen.get(host)?.bytes !== bytes) this.#seen.set(host, { bytes, changedMs: atMs });
    }
  }

  #lines(): string[] {
    try {
      return readFileSync(this.#table, 'latin1').split('\n');
    } catch {
      // The server has ended, and its sockets with it.
      clearInterval(this.#timer);
      return [];
    }
  }
}

/** The bytes received so far by each network card in the namespace of that process. */
export function receivedBytes(pid: number): ReadonlyMap<string, number> {
  const lines = readFileSync(`/proc/${pid}/net/dev`, 'latin1').split('\n').slice(2);
  return new Map(
    lines.map((line) => {
      const [card = '', bytes] = line.trim().split(/[:\s]+/);
      return [card, Number(bytes)];
    }),
  );
}

const established = '01';

/** Of `0200010A:1FA4`: four bytes in the machine's byte order, which is little-endian wherever these tests run. */
function hostOf(address: string): string {
  return Buffer.from(address.slice(0, 8), 'hex').reverse().join('.');
}
