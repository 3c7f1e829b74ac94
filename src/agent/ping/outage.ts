import { isError, type KeepAliveError } from '../../model/errors.js';
import type { Cause, Diagnosis } from '../../tcp/diagnosis.js';

/** A way back that takes no longer than this was open all the time. */
const atOnceMs = 1000;
/** Errors are the storage's own: the causes of one may go round in a circle. */
const deepestCause = 8;

/** The time in which a storage has no connection. */
export class Outage {
  /** Whether the log has a line of it. If not, it need not say either that it is over. */
  isTold = false;
  /** Whether the log has the error that it lasts. */
  isToldToLast = false;
  readonly #sinceMs: number;
  readonly #address: string | undefined;
  #cause: Cause;

  /**
   * @param sinceMs in milliseconds of `performance.now()`, as in all methods
   * @param address of the server whose silence began it; `undefined` when it began otherwise, or nobody tells
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

  /** Learns from a failed attempt to connect. */
  attemptFailed(error: unknown): void {
    for (let cause = error, depth = 0; isError(cause) && depth < deepestCause; cause = cause.cause, depth++) {
      if ('code' in cause && cause.code === 'ECONNREFUSED') this.#cause = 'refused';
    }
  }

  /** Learns from the way back. */
  ended(nowMs: number, address: string | undefined): void {
    // Its host had acknowledged the ping: the connection was there, and a process that hung has gone on.
    if (this.#cause === 'peer-hangs') return;
    const isSameServer = this.#address !== undefined && address === this.#address;
    if (isSameServer && this.lastsMs(nowMs) <= atOnceMs) this.#cause = 'flow-dropped';
  }
}

/** A connection that was declared dead. */
export interface Death {
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
