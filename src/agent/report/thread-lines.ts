import type { Stall } from '../../model/events.js';
import type { KeepAliveLog } from '../../observability/log.js';
import { reasonOf } from './log-throttle.js';
import type { LogThrottles } from './log-throttles.js';
import type { ThrottledWriter } from './throttled-writer.js';

/** If the worker is only replaced after this delay or more, the log says so in a line of its own. */
const keepsEndingMs = 1000;

const stalls = { loop: 'The main loop was blocked', process: 'This process did not run' } as const;

/** The lines of the log about the agent's thread, and what keeps it from its work. */
export class ThreadLines {
  readonly #log: KeepAliveLog;
  readonly #throttles: LogThrottles;
  readonly #writer: ThrottledWriter;
  readonly #now: () => number;
  /** The delay until the next thread, as it was last logged. */
  #loggedRetryMs = 0;
  /** Whether the loss of a thread was logged, and not yet that another one is running. */
  #isLost = false;
  #stalls = 0;
  /** The stalls that were not logged yet. */
  #heldBackStalls: { readonly heldBackTotalMs?: number; readonly heldBackLongestMs?: number } = {};

  constructor(log: KeepAliveLog, throttles: LogThrottles, writer: ThrottledWriter, now: () => number) {
    this.#log = log;
    this.#throttles = throttles;
    this.#writer = writer;
    this.#now = now;
  }

  started({ periodMs, timeoutMs }: { readonly periodMs: number; readonly timeoutMs: number }): void {
    this.#log.info({ periodMs, timeoutMs }, `Keep alive thread started with period ${periodMs / 1000} s`);
  }

  notStarted(): void {
    this.#log.info({}, 'Keep alive thread not started: no period is set, or it is zero or negative');
  }

  stopped(): void {
    this.#log.info({}, 'Keep alive thread stopped');
  }

  nothingOpened(afterMs: number): void {
    const message =
      `Keep alive thread has run for ${afterMs / 1000} s and no database was opened in its registry; check that the ` +
      'application calls databases.open(), in this thread, and that it loads no other version of zeo-keepalive';
    this.#log.warn({}, message);
  }

  stalled(stall: Stall): void {
    const throttle = this.#throttles.ofAgent('stalls');
    this.#stalls += 1;
    // Each stall has a reason of its own and so is logged, up to the limit of reasons within an hour.
    if (throttle.record(`stall ${this.#stalls}`, this.#now()) === 'held back') {
      const { heldBackTotalMs = 0, heldBackLongestMs = 0 } = this.#heldBackStalls;
      this.#heldBackStalls = {
        heldBackTotalMs: heldBackTotalMs + stall.durationMs,
        heldBackLongestMs: Math.max(heldBackLongestMs, stall.durationMs),
      };
      return;
    }
    const fields = { event: 'stalled', ...stall, ...this.#heldBackStalls };
    this.#heldBackStalls = {};
    const seconds = (stall.durationMs / 1000).toFixed(1);
    this.#writer.write(
      'warn',
      throttle,
      fields,
      `${stalls[stall.of]} for ${seconds} s or more; no verdict counts that time`,
    );
  }

  /** The loop threw an exception, and goes on. */
  panicked(error: unknown): void {
    this.#writer.record(
      'panic',
      this.#throttles.ofAgent('thread'),
      reasonOf(error),
      { err: error },
      'Exception in keep alive thread',
    );
  }

  /** The thread ended or could not be started. Logged each time until the delay before the next one has reached its maximum. */
  lost(error: unknown, retryInMs: number): void {
    const throttle = this.#throttles.ofAgent('thread');
    const isLonger = retryInMs > this.#loggedRetryMs;
    const isLogged = throttle.record(reasonOf(error), this.#now(), isLonger) !== 'held back';
    this.#loggedRetryMs = isLogged ? retryInMs : Math.min(retryInMs, this.#loggedRetryMs);
    if (!isLogged) return;
    this.#isLost = true;
    const fields = { event: 'workerLost', retryInMs, err: error };
    this.#writer.write('panic', throttle, fields, 'Exception in keep alive thread');
    if (retryInMs < keepsEndingMs) return;
    const message = `Keep alive thread keeps ending, starting it again in ${retryInMs / 1000} s`;
    this.#writer.record('warn', this.#throttles.ofAgent('threads'), 'ends', { retryInMs }, message);
  }

  up(): void {
    // Only if its loss was logged.
    if (this.#isLost) this.#log.info({ event: 'workerStarted' }, 'Keep alive thread is running again');
    this.#isLost = false;
  }
}
