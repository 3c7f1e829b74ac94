import { KeepAliveError } from '../model/errors.js';
import type { ConnectingSockets } from '../sockets/discovery.js';
import type { SocketMatcher } from '../sockets/matcher.js';
import { addressOf, nameOf } from '../sockets/pattern.js';
import { SocketWatcher, type WatchedSocket } from '../sockets/socket-watcher.js';
import type { SocketDeath } from '../threads/contract.js';
import type { SocketTable } from '../threads/socket-table.js';
import type { Reporter } from './report/reporter.js';
import type { Settings } from './settings.js';

/** How long patterns may go without a match before the log says so. */
const unmatchedAfterMs = 60_000;

export interface SocketKeeperOptions {
  readonly settings: Settings;
  readonly matcher: SocketMatcher;
  readonly table: SocketTable;
  readonly reporter: Reporter;
  /** There are sockets in the table, where there were none. */
  readonly onFirst: () => void;
}

/**
 * Keeps the process's sockets: has them watched, and destroys those whose connections the worker has found dead.
 *
 * Rules:
 * - A socket is known by its slot of the table and its sequence number; a verdict on another one changes nothing.
 * - Nothing is reported, counted or allocated for a socket that comes and goes.
 */
export class SocketKeeper implements Disposable {
  readonly #reporter: Reporter;
  readonly #watcher: SocketWatcher;
  readonly #unmatchedTimer: NodeJS.Timeout;

  constructor({ settings, matcher, table, reporter, onFirst }: SocketKeeperOptions) {
    this.#reporter = reporter;
    this.#watcher = new SocketWatcher({
      matcher,
      periodMs: settings.periodMs,
      table,
      onOpened: (slot) => {
        if (table.reader.count === 1) onFirst();
        const destination = this.#watcher.destination(slot);
        if (destination !== undefined && !this.#watcher.hearsErrors(slot))
          reporter.sockets.unheard(nameOf(destination));
      },
    });
    this.#unmatchedTimer = setTimeout(() => {
      const { unmatched, unmatchedButOnLoopback } = matcher;
      if (unmatched.length > 0) reporter.sockets.unmatched(unmatched, unmatchedAfterMs);
      if (unmatchedButOnLoopback.length > 0)
        reporter.sockets.unmatchedButOnLoopback(unmatchedButOnLoopback, unmatchedAfterMs);
    }, unmatchedAfterMs).unref();
  }

  noteEarlier(sockets: ConnectingSockets): void {
    this.#watcher.noteEarlier(sockets);
  }

  watched(): Iterable<WatchedSocket> {
    return this.#watcher.watched();
  }

  /** The worker has found the connection dead. */
  conclude(slot: number, sequence: number, death: SocketDeath): void {
    const destination = this.#watcher.destination(slot);
    if (destination === undefined) return;
    const name = nameOf(destination);
    const error = new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', messageOf(name, death), { retryable: true });
    const isHeard = this.#watcher.hearsErrors(slot);
    if (!this.#watcher.drop(slot, sequence, error)) return;
    this.#reporter.socketDied({ name, address: addressOf(destination), sequence, error, death, isHeard });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#unmatchedTimer);
    this.#watcher[Symbol.dispose]();
  }
}

function messageOf(name: string, { by, count, unansweredMs }: SocketDeath): string {
  const what = by === 'probes' ? 'probes were not answered' : 'retransmissions were not acknowledged';
  const seconds = (unansweredMs / 1000).toFixed(1);
  return `${name}: ${count} ${what} in ${seconds} s, so the host or the path to it is gone`;
}
