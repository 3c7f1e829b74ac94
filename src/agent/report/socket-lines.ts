import type { ConnectionDiedEvent } from '../../model/events.js';
import type { KeepAliveLog } from '../../observability/log.js';
import type { TableFailure } from '../../tcp/diagnosis.js';
import { tcpTables } from '../../tcp/tcp-rows.js';
import type { SocketDeath } from '../../threads/contract.js';
import type { LogThrottles } from './log-throttles.js';
import type { ThrottledWriter } from './throttled-writer.js';

/** Of how many destinations it is logged that nobody listens for their errors. */
const mostUnheard = 20;

/** The lines of the log about watched sockets. */
export class SocketLines {
  readonly #log: KeepAliveLog;
  readonly #throttles: LogThrottles;
  readonly #writer: ThrottledWriter;
  readonly #now: () => number;
  readonly #unheard = new Set<string>();
  /** Writes the last of those that were held back, unless another line has come by then. */
  #rest: NodeJS.Timeout | undefined;
  /** Whether it was logged that the kernel's table cannot be read. */
  #isTableUnreadable = false;

  constructor(log: KeepAliveLog, throttles: LogThrottles, writer: ThrottledWriter, now: () => number) {
    this.#now = now;
    this.#log = log;
    this.#throttles = throttles;
    this.#writer = writer;
  }

  /** @param isHeard whether the socket has a listener for errors */
  logDeath(
    { name, address, silentMs, diagnosis, error }: ConnectionDiedEvent,
    { by, count, unacknowledgedBytes }: SocketDeath,
    isHeard: boolean,
  ): void {
    const fields = {
      event: 'connectionDied',
      connection: name,
      address,
      silentMs,
      diagnosis,
      by,
      count,
      unacknowledgedBytes,
      err: error,
    };
    const why = isHeard ? '' : '; it had no listener for errors, so it was closed without one';
    const message = (when: string) => `Connection for ${name} failed${when}${why}`;
    // One for all destinations: when a network goes, all that it led to goes with it.
    const throttle = this.#throttles.ofAgent('sockets');
    if (this.#writer.record('error', throttle, `${name} ${diagnosis}`, fields, message(''))) return;
    // A burst may be followed by nothing for days.
    clearTimeout(this.#rest);
    const diedAtMs = this.#now();
    this.#rest = setTimeout(() => {
      const nowMs = this.#now();
      if (!throttle.release(nowMs)) return;
      const ago = ` ${Math.round((nowMs - diedAtMs) / 1000)} s ago`;
      this.#writer.write('error', throttle, fields, message(ago));
    }, throttle.dueInMs(diedAtMs)).unref();
  }

  /** A connection was made whose loss is an error that nobody listens for. */
  unheard(name: string): void {
    if (this.#unheard.has(name) || this.#unheard.size >= mostUnheard) return;
    this.#unheard.add(name);
    const message = `No listener for the errors of ${name}: the loss of its connection may end the process`;
    this.#log.warn({ connection: name }, message);
  }

  /** Whatever connects in this process cannot be observed. */
  notWatched(error: unknown): void {
    this.#log.warn({ err: error }, 'Sockets are not watched: connections cannot be observed');
  }

  unmatched(patterns: readonly string[], afterMs: number): void {
    const message = `No connection that matches ${listOf(patterns)} was opened in ${afterMs / 1000} s; check the patterns of the sockets to watch`;
    this.#log.warn({ patterns }, message);
  }

  /** Connections to this host were opened that match but for that. */
  unmatchedButOnLoopback(patterns: readonly string[], afterMs: number): void {
    const message =
      `Only connections to loopback that match ${listOf(patterns)} were opened in ${afterMs / 1000} s, and those are watched ` +
      'only if a pattern names them: 127.0.0.0/8, [::1] or a name';
    this.#log.warn({ patterns }, message);
  }

  /** The kernel's table cannot be read, or can be read again. */
  tableFailed(failure: TableFailure | undefined): void {
    if (failure === undefined) {
      // Only if its failure was logged.
      if (this.#isTableUnreadable) this.#log.info({}, 'Sockets are watched again');
      this.#isTableUnreadable = false;
      return;
    }
    const throttle = this.#throttles.ofAgent('socket table');
    if (this.#writer.record('warn', throttle, reasonOf(failure), { ...failure }, messageOf(failure)))
      this.#isTableUnreadable = true;
  }
}

const listOf = (patterns: readonly string[]) => patterns.map((pattern) => JSON.stringify(pattern)).join(', ');
const reasonOf = ({ code, reason }: TableFailure) => code ?? reason;

function messageOf(failure: TableFailure): string {
  // Without a failure of the other table: it is read first wherever there is something to find in it.
  const which = failure.path === tcpTables.ipv6 ? 'IPv6 sockets' : 'Sockets';
  const why =
    failure.reason === 'foreign'
      ? `${failure.path} shows none of them`
      : `cannot read ${failure.path} (${reasonOf(failure)})`;
  return `${which} are not watched: ${why}`;
}
