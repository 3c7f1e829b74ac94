import { isError, type KeepAliveError } from '../../model/errors.js';
import type { Cause, Diagnosis } from '../../tcp/diagnosis.js';

/** A path that takes no longer than this to connect was open all the time. */
const atOnceMs = 1000;
/** Errors are the target's own: the causes of one may go round in a circle. */
const deepestCause = 8;

/** The time in which a target has no connection. */
export class Outage {
  /** Whether it was logged. If not, its end is not logged either. */
  isLogged = false;
  /** Whether it was logged as an error because it lasts. */
  isLoggedToLast = false;
  readonly #sinceMs: number;
  readonly #address: string | undefined;
  #cause: Cause;

  /**
   * @param sinceMs in milliseconds of `performance.now()`, as in all methods
   * @param address of the server whose silence began it; `undefined` when it began otherwise, or is unknown
   */
  constructor(sinceMs: number, cause: Cause, address: string | undefined) {
    this.#sinceMs = sinceMs;
    this.#cause = cause;
    this.#address = address;
  }

  get cause(): Cause {
    return this.#cause;
  }

  lastsMs(nowMs: number): number {
    return Math.round(nowMs - this.#sinceMs);
  }

  /** Refines the cause by a failed attempt to connect. */
  attemptFailed(error: unknown): void {
    for (let cause = error, depth = 0; isError(cause) && depth < deepestCause; cause = cause.cause, depth++) {
      if ('code' in cause && cause.code === 'ECONNREFUSED') this.#cause = 'refused';
    }
  }

  /** Refines the cause by how the connection came back. */
  reconnected(nowMs: number, address: string | undefined): void {
    // Its host had acknowledged the ping: the connection was there, and a process that hung has gone on.
    if (this.#cause === 'peer-hangs') return;
    const isSameServer = this.#address !== undefined && address === this.#address;
    if (isSameServer && this.lastsMs(nowMs) <= atOnceMs) this.#cause = 'flow-dropped';
  }
}

/** A connection that was declared dead. */
export interface DeadConnection {
  readonly at: Date;
  readonly error: KeepAliveError;
  /** In milliseconds in which this process listened. */
  readonly silentMs: number;
  /** From the last sign of life, in milliseconds. */
  readonly timeToDetectMs: number;
  /** As it was when it was declared dead; the outage knows better later. */
  readonly diagnosis: Diagnosis;
  /** What came of it. */
  readonly outage: Outage;
  backAt: Date | undefined;
}
