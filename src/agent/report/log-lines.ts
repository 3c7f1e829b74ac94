import { isError } from '../../model/errors.js';
import type {
  ConnectionBackEvent,
  ConnectionDiedEvent,
  ConnectionDownEvent,
  PingSucceededEvent,
} from '../../model/events.js';
import type { KeepAliveLog } from '../../observability/log.js';
import { causeInWords } from '../../tcp/diagnosis.js';
import type { Outage } from '../ping/outage.js';
import { roundedMs } from '../ping/round-trips.js';
import type { TrackedTarget } from '../ping/tracked-target.js';
import { reasonOf } from './log-throttle.js';
import { LogThrottles } from './log-throttles.js';
import { SocketLines } from './socket-lines.js';
import { ThreadLines } from './thread-lines.js';
import { ThrottledWriter } from './throttled-writer.js';

/** A connection that has been down for this time is logged as an error. */
const longMs = 60_000;

/**
 * The lines of the log, in the words of docs/log.md.
 *
 * Rules:
 * - A line that the original has, has the original's words.
 * - A failure that recurs for the same reason is not logged each time, but counted, and the next line says how many it stands
 *   for.
 * - A line that an event of the agent accompanies names it in the field `event`: whoever shows the events leaves it out.
 * - What goes well has no line that the original does not have.
 */
export class LogLines {
  readonly #log: KeepAliveLog;
  readonly #now: () => number;
  readonly #throttles: LogThrottles;
  readonly #writer: ThrottledWriter;
  /** Those about watched sockets. */
  readonly sockets: SocketLines;
  /** Those about the agent's thread, and what keeps it from its work. */
  readonly thread: ThreadLines;
  /** Those of which the last line says that they were not answered in time, on the connection that they still have. */
  readonly #saidToHang = new WeakSet<TrackedTarget>();

  /** @param now returns the time by which lines are held back, in milliseconds of a monotonic clock */
  constructor(log: KeepAliveLog, now = () => performance.now()) {
    this.#log = log;
    this.#now = now;
    this.#throttles = new LogThrottles(now);
    this.#writer = new ThrottledWriter(log, now);
    this.sockets = new SocketLines(log, this.#throttles, this.#writer, now);
    this.thread = new ThreadLines(log, this.#throttles, this.#writer, now);
  }

  warning(message: string): void {
    this.#log.warn({}, message);
  }

  /** Like all lines of every ping, not built unless it is written. */
  logSending({ name }: TrackedTarget): void {
    if (!this.#log.isEnabled('blather')) return;
    this.#log.blather({ event: 'pingStarted', connection: name }, `Sending keep alive for ${name}`);
  }

  logSuccess(
    tracked: TrackedTarget,
    { roundTripMs: exactMs, evidence }: Pick<PingSucceededEvent, 'roundTripMs' | 'evidence'>,
  ): void {
    const { name } = tracked;
    const roundTripMs = exactMs && roundedMs(exactMs);
    if (this.#log.isEnabled('blather')) {
      const fields = { event: 'pingSucceeded', connection: name, roundTripMs, evidence };
      this.#log.blather(fields, `Keep alive for ${name} successful`);
    }
    this.#recovered(tracked, roundTripMs);
  }

  /** Bytes came recently, so no ping was needed. */
  pingNotNeeded(tracked: TrackedTarget): void {
    const { name } = tracked;
    if (this.#log.isEnabled('blather')) {
      this.#log.blather({ connection: name }, `Keep alive for ${name} not needed`);
    }
    this.#recovered(tracked);
  }

  pingSlow({ name }: TrackedTarget): void {
    const message = `Keep alive for ${name} was not answered in time, but other bytes are flowing`;
    this.#log.blather({ connection: name }, message);
  }

  /** The server hangs or is busy; it is not dead before its `hangTimeout`. */
  pingHangs(tracked: TrackedTarget): void {
    const { name, hangTimeoutMs } = tracked;
    const message = `Keep alive for ${name} was not answered in time: the server hangs or is busy`;
    const fields = { connection: name, hangTimeoutMs };
    if (this.#writer.record('warn', this.#throttles.ofTarget(tracked), 'not answered', fields, message))
      this.#saidToHang.add(tracked);
  }

  lockBusy({ name }: TrackedTarget): void {
    this.#log.blather({ connection: name }, `Load lock of ${name} is busy, sending keep alive without it`);
  }

  logFailure(tracked: TrackedTarget, error: unknown): void {
    const fields = { event: 'pingFailed', connection: tracked.name, err: error };
    const message = `Keep alive for ${tracked.name} failed`;
    this.#writer.record(
      'error',
      this.#throttles.ofTarget(tracked),
      `failed: ${reasonOf(error)}`,
      fields,
      message,
    );
  }

  /** Returns whether it was logged. */
  logDeath(
    tracked: TrackedTarget,
    { name, address, error, silentMs, timeToDetectMs, diagnosis }: ConnectionDiedEvent,
  ): boolean {
    const fields = {
      event: 'connectionDied',
      connection: name,
      address,
      silentMs,
      timeToDetectMs,
      diagnosis,
      err: error,
    };
    const message = `Keep alive for ${name} failed`;
    this.#saidToHang.delete(tracked);
    return this.#writer.record(
      'error',
      this.#throttles.ofTarget(tracked),
      `dead: ${diagnosis}`,
      fields,
      message,
    );
  }

  /** A ping was due while the target was not connected: a warning, or an error if it has lasted for a minute. */
  logDown(
    tracked: TrackedTarget,
    { name, downForMs, cause, error }: ConnectionDownEvent,
    outage: Outage,
  ): void {
    const throttle = this.#throttles.ofTarget(tracked);
    // Logged once for each outage that lasts, even if the shorter ones are held back.
    const lasts = downForMs >= longMs && !outage.isLoggedToLast;
    const occurrence = throttle.record(`down: ${reasonOf(error)}`, this.#now(), lasts);
    if (occurrence === 'held back') return;
    outage.isLogged = true;
    // The message is enough: the stack of a failed attempt to connect adds nothing.
    const reason = isError(error) ? error.message : error;
    const fields = { event: 'connectionDown', connection: name, downForMs, cause, reason };
    if (downForMs >= longMs) {
      outage.isLoggedToLast = true;
      const why = cause === 'unknown' ? '' : `; ${causeInWords[cause]}`;
      const longer = `has been down for ${Math.round(downForMs / 1000)} s${why}`;
      this.#writer.write('error', throttle, fields, `Connection for ${name} ${longer}`);
    } else {
      this.#writer.write('warn', throttle, fields, `Connection for ${name} is down`);
    }
  }

  logBack(tracked: TrackedTarget, { name, address, downForMs, cause }: ConnectionBackEvent): void {
    // The other causes were logged when the outage began.
    const why = cause === 'flow-dropped' ? `; ${causeInWords[cause]}` : '';
    const message = `Connection for ${name} is back after ${(downForMs / 1000).toFixed(1)} s${why}`;
    this.#saidToHang.delete(tracked);
    this.#writer.write(
      'info',
      this.#throttles.ofTarget(tracked),
      { event: 'connectionBack', connection: name, address, downForMs, cause },
      message,
    );
  }

  logReplaced(tracked: TrackedTarget): void {
    const { name, address } = tracked;
    const message = `Connection for ${name} was replaced since its last keep alive`;
    this.#saidToHang.delete(tracked);
    this.#writer.record(
      'info',
      this.#throttles.ofTarget(tracked),
      'replaced',
      { event: 'connectionReplaced', connection: name, address },
      message,
    );
  }

  misbehaved(tracked: TrackedTarget, error: unknown): void {
    const fields = { connection: tracked.name, err: error };
    const message = `Exception in connection ${tracked.name}`;
    this.#writer.record(
      'error',
      this.#throttles.ofTarget(tracked),
      `threw: ${reasonOf(error)}`,
      fields,
      message,
    );
  }

  /** A registered database threw before the agent had its target, or a source of connections when its watch ended. */
  unusable(name: string, error: unknown): void {
    this.#log.error({ connection: name, err: error }, `Exception in connection ${name}`);
  }

  /** A registered database has nothing to ping. */
  unpingable(name: string): void {
    const message =
      `Connection ${name} is not kept alive: it has no ping; a client of a driver needs its adapter, such as ` +
      'pgPool of zeo-keepalive/pg';
    this.#log.warn({ connection: name }, message);
  }

  logListenerFailed(error: unknown, event: string): void {
    const fields = { listener: event, err: error };
    const message = 'A keep alive listener threw an exception';
    this.#writer.record(
      'error',
      this.#throttles.ofAgent(`listener of ${event}`),
      reasonOf(error),
      fields,
      message,
    );
  }

  /** A ping succeeded. Logged if a line said that the server hangs, or lines of a failure were held back before. */
  #recovered(tracked: TrackedTarget, roundTripMs?: number): void {
    const throttle = this.#throttles.ofFailed(tracked);
    if (throttle === undefined) return;
    const nowMs = this.#now();
    const endsHang = this.#saidToHang.delete(tracked);
    if (throttle.recovered(nowMs) || endsHang) {
      const message = `Keep alive for ${tracked.name} is successful again`;
      this.#writer.write('info', throttle, { connection: tracked.name, roundTripMs }, message);
    }
    if (throttle.isOver(nowMs)) this.#throttles.forget(tracked);
  }
}
