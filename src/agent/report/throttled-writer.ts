import type { KeepAliveLog } from '../../observability/log.js';
import type { LogLevel } from '../../observability/log-sink.js';
import type { LogThrottle } from './log-throttle.js';

/** Writes lines of the log that a throttle may hold back. */
export class ThrottledWriter {
  readonly #log: KeepAliveLog;
  readonly #now: () => number;

  /** @param now in milliseconds of a monotonic clock */
  constructor(log: KeepAliveLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** Writes a line unless it is held back. Returns whether it was written. */
  record(level: LogLevel, throttle: LogThrottle, reason: string, fields: object, message: string): boolean {
    const isLogged = throttle.record(reason, this.#now()) !== 'held back';
    if (isLogged) this.write(level, throttle, fields, message);
    return isLogged;
  }

  /** Writes a line, with the number of lines that were held back before it. */
  write(level: LogLevel, throttle: LogThrottle, fields: object, message: string): void {
    const heldBack = throttle.takeHeldBack();
    // Of other reasons, too, unlike this line.
    const lines = heldBack === 1 ? '1 line was' : `${heldBack} lines were`;
    if (heldBack === 0) this.#log[level](fields, message);
    else this.#log[level]({ ...fields, heldBack }, `${message} (${lines} held back)`);
  }
}
