import { isError, type KeepAliveError } from '../../model/errors.js';
import type { Cause, Diagnosis } from '../../tcp/diagnosis.js';

/** If the target is connected again within this time, the path was open: only the old connection had been dropped. */
const atOnceMs = 1000;
/** The errors come from the target: their causes may form a circle. */
const deepestCause = 8;

/** A time in which a target has no connection, and its cause as far as it is known. */
export class Outage {
  /** Whether its beginning was logged. If not, its end is not logged either. */
  isLogged = false;
  /** Whether it was logged as an error because it has lasted for a minute. */
  isLoggedToLast = false;
  readonly #sinceMs: number;
  readonly #address: string | undefined;
  #cause: Cause;

  /**
   * @param sinceMs in milliseconds of `performance.now()`, as in all methods
   * @param address of the server that was silent; `undefined` if the outage began otherwise, or the address is unknown
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

  /** Refines the cause by the error of a failed attempt to connect. */
  attemptFailed(error: unknown): void {
    for (let cause = error, depth = 0; isError(cause) && depth < deepestCause; cause = cause.cause, depth++) {
      if ('code' in cause && cause.code === 'ECONNREFUSED') this.#cause = 'refused';
    }
  }

  /** Refines the cause by how the connection came back. */
  reconnected(nowMs: number, address: string | undefined): void {
    // The peer's host had acknowledged the ping, so the path was open: it was the process that hung.
    if (this.#cause === 'peer-hangs') return;
    const isSameServer = this.#address !== undefined && address === this.#address;
    if (isSameServer && this.lastsMs(nowMs) <= atOnceMs) this.#cause = 'flow-dropped';
  }
}

/** A connection that was declared dead. */
export interface DeadConnection {
  readonly at: Date;
  readonly error: KeepAliveError;
  /** How long the peer was silent, in milliseconds in which this process listened. */
  readonly silentMs: number;
  /** From the last sign of life to the verdict, in milliseconds. */
  readonly timeToDetectMs: number;
  /** The diagnosis at the verdict; `outage.cause` may refine it later. */
  readonly diagnosis: Diagnosis;
  /** The outage that began with it. */
  readonly outage: Outage;
  /** When the target was connected again; `undefined` until then. */
  backAt: Date | undefined;
}
