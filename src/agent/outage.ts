import type { Diagnosis } from '../diagnosis.js';

/** What a death turns out to have been: what the system told, or what the way back showed. */
export type Cause =
  | Diagnosis
  /** The next connection to the same server was had at once: only this one was lost, as when a firewall forgot it. */
  | 'flow-dropped'
  /** The host is there and refuses: the server's process is gone. */
  | 'refused';

/** A way back that takes no longer than this was open all the time. */
const atOnceMs = 1000;
/** An outage is told of louder when it has lasted this long, and each time that it has lasted twice as long again. */
const firstEscalationMs = 60_000;

/** The time in which a storage has no connection. */
export class Outage {
  readonly #sinceMs: number;
  readonly #address: string | undefined;
  #cause: Cause;
  #escalateAtMs = firstEscalationMs;

  /** @param address of the server whose silence began it; `undefined` when it began otherwise, or nobody tells */
  constructor(nowMs: number, cause: Cause, address: string | undefined) {
    this.#sinceMs = nowMs;
    this.#cause = cause;
    this.#address = address;
  }

  get cause(): Cause {
    return this.#cause;
  }

  lastsMs(nowMs: number): number {
    return Math.round(nowMs - this.#sinceMs);
  }

  /** Learns from a failed attempt to connect. */
  attemptFailed(error: unknown): void {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if ('code' in cause && cause.code === 'ECONNREFUSED') this.#cause = 'refused';
    }
  }

  /** Learns from the way back. */
  ended(nowMs: number, address: string | undefined): void {
    const isSameServer = this.#address !== undefined && address === this.#address;
    if (isSameServer && this.lastsMs(nowMs) <= atOnceMs) this.#cause = 'flow-dropped';
  }

  /** Whether it is time to say so louder. */
  escalates(nowMs: number): boolean {
    if (this.lastsMs(nowMs) < this.#escalateAtMs) return false;
    this.#escalateAtMs = 2 * this.lastsMs(nowMs);
    return true;
  }
}

/** The cause in words, for a line of the log. */
export const causeInWords: Readonly<Record<Cause, string>> = {
  'peer-hangs': 'its host acknowledged the ping, so the server process hangs',
  'path-or-host-gone': 'nothing acknowledged the ping, so the host or the way to it is gone',
  unknown: 'the system cannot tell why',
  'flow-dropped': 'only that connection had been dropped, as by a firewall or load balancer that forgot it',
  refused: 'its host refuses connections, so the server process is gone',
};
