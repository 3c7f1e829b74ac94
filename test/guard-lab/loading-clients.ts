import type { Computer } from '../faults/kernel/networks/network.js';
import { findZeo, type ZeoVersion } from '../support/python/environments.js';
import { PythonProcess } from '../support/python/python-process.js';
import { sleep } from '../support/turning-clock.js';

/** What became of a load that was under way when its server was lost. Moments of the system's monotonic clock. */
export interface Load {
  failedAtMs: number | undefined;
  /** The class of Python's exception. */
  error: string | undefined;
  /** It, or another attempt after it failed, was answered. */
  answeredAtMs: number | undefined;
}

export interface LoadingClientsOptions {
  readonly computer: Computer;
  readonly version: ZeoVersion;
  /** One for each client. */
  readonly addresses: readonly string[];
  /** They connect at random moments within that time, in seconds. */
  readonly spread: number;
}

type Line =
  | { readonly event: 'connected'; readonly atMs: number }
  | { readonly event: 'failed'; readonly client: number; readonly error: string; readonly atMs: number }
  | { readonly event: 'loaded'; readonly client: number; readonly atMs: number };

/** ZEO's own clients in a process of their own. */
export class LoadingClients implements AsyncDisposable {
  readonly #process: PythonProcess;
  readonly #count: number;

  private constructor(process: PythonProcess, count: number) {
    this.#process = process;
    this.#count = count;
  }

  /** Resolves when all are connected. */
  static async open({
    computer,
    version,
    addresses,
    spread,
  }: LoadingClientsOptions): Promise<LoadingClients> {
    const { executable, missing } = findZeo(version);
    if (executable === undefined) throw new Error(missing);
    const args = [String(spread), ...addresses];
    const process = new PythonProcess(executable, 'loading_clients.py', args, computer.launcher);
    try {
      await process.nextLine();
    } catch (error) {
      await process.end('SIGKILL');
      throw error;
    }
    return new LoadingClients(process, addresses.length);
  }

  /** All of them load an object; resolves when every load was answered, or after `capMs`. */
  async load(capMs: number): Promise<readonly Load[]> {
    const loads = Array.from(
      { length: this.#count },
      (): Load => ({ failedAtMs: undefined, error: undefined, answeredAtMs: undefined }),
    );
    this.#process.write('load');
    const answered = this.#follow(loads);
    await Promise.race([answered, sleep(capMs)]);
    // After the cap it goes on until the process is ended.
    answered.catch(() => {});
    return loads;
  }

  async #follow(loads: readonly Load[]): Promise<void> {
    for (let left = loads.length; left > 0; ) {
      const line = (await this.#process.nextLine()) as Line;
      if (line.event === 'connected') continue;
      const load = loads[line.client] as Load;
      if (line.event === 'loaded') {
        load.answeredAtMs = line.atMs;
        left -= 1;
      } else {
        load.failedAtMs ??= line.atMs;
        load.error ??= line.error;
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process.end('SIGKILL');
  }
}
