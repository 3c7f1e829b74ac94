import type { Value } from '../encoding/values.js';

/** The counters of one storage that `server_status` reports. Source: ZEO/monitor.py, `StorageStats`. */
export class StorageStats {
  loads = 0;
  stores = 0;
  commits = 0;
  aborts = 0;
  activeTransactions = 0;
  conflicts = 0;
  readonly #start: string;

  /** @param nowMs when the storage was made, in milliseconds since 1970. */
  constructor(nowMs: number) {
    this.#start = ctime(new Date(nowMs));
  }

  /** The dict that ZEO's server sends, keys in its order and its spelling. */
  report(now: {
    readonly connections: number;
    readonly waiting: number;
    /** When the current commit got its lock, in milliseconds since 1970. */
    readonly lockedSinceMs: number | undefined;
    readonly lastTransaction: Uint8Array;
    /** Whether there is a transaction timeout. */
    readonly hasTimeout: boolean;
  }): { readonly [key: string]: Value } {
    return {
      connections: now.connections,
      loads: this.loads,
      stores: this.stores,
      commits: this.commits,
      aborts: this.aborts,
      active_txns: this.activeTransactions,
      lock_time: now.lockedSinceMs === undefined ? null : now.lockedSinceMs / 1000,
      conflicts: this.conflicts,
      conflicts_resolved: 0,
      start: this.#start,
      waiting: now.waiting,
      // ZEO's server has a thread for the timeout, and a stub without one.
      'timeout-thread-is-alive': now.hasTimeout ? true : 'stub',
      'last-transaction': Buffer.from(now.lastTransaction).toString('hex'),
    };
  }
}

/** As C's `ctime`: `Sun Nov 22 10:59:17 2026`. */
function ctime(date: Date): string {
  const [weekday, month, , year, time] = date.toString().split(' ');
  return `${weekday} ${month} ${String(date.getDate()).padStart(2)} ${time} ${year}`;
}
