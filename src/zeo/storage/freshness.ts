import { copyId, isLater } from '../../zodb/ids.js';
import type { Notification } from '../connection/notification.js';
import type { StorageInfo } from '../connection/storage-info.js';
import type { Established } from '../reconnect/establish.js';
import type { Announce } from '../reconnect/storage-events.js';
import type { ServerKnowledge } from '../reconnect/supervisor.js';
import type { ClientCache } from './client-cache.js';

/** An object changed by a transaction of this client. */
export interface CommittedChange {
  readonly oid: Uint8Array;
  /** The new current record, if it is known and small enough to be cached. */
  readonly data: Uint8Array | undefined;
}

/**
 * What is known of the server's data, and up to which transaction.
 *
 * Rules:
 * - `lastTid` only grows.
 * - The changes of a transaction are first applied to the cache, then announced, and only then does `lastTid` advance: no
 *   caller sees the new id before its changes.
 */
export class Freshness implements ServerKnowledge {
  readonly cache: ClientCache;
  info: StorageInfo | undefined;
  readonly #announce: Announce;
  #lastTid: Uint8Array | undefined;

  constructor(cache: ClientCache, announce: Announce) {
    this.cache = cache;
    this.#announce = announce;
  }

  /** The last known transaction. */
  get lastTid(): Uint8Array | undefined {
    return this.#lastTid;
  }

  /**
   * Applies what was missed while there was no connection.
   *
   * @returns the last transaction covered by it: invalidations up to this one have already been announced
   */
  caughtUp({ info, missed, serverTid }: Pick<Established, 'info' | 'missed' | 'serverTid'>): Uint8Array {
    this.info = info;
    if (missed === undefined) {
      this.#advance(serverTid);
      return serverTid;
    }
    const { tid, oids } = missed;
    if (oids === null) this.cache.clear(tid);
    else for (const oid of oids) this.cache.invalidateUpTo(oid, tid);
    if (oids === null || oids.length > 0) this.#announce('invalidated', missed);
    this.#advance(serverTid);
    this.#advance(tid);
    return tid;
  }

  /** Applies a notification of the server. */
  notified(notification: Notification): void {
    if (notification.type === 'info') {
      this.info = this.info && { ...this.info, ...notification.info };
      return;
    }
    const { tid, oids } = notification;
    if (oids === null) this.cache.clear(tid);
    else for (const oid of oids) this.cache.invalidate(oid, tid);
    this.#announce('invalidated', { tid, oids });
    this.#advance(tid);
  }

  /** Applies a transaction that this client has committed. */
  committed(tid: Uint8Array, changes: ReadonlyMap<string, CommittedChange>): void {
    for (const [key, { oid, data }] of changes) {
      this.cache.invalidate(oid, tid);
      if (data !== undefined) this.cache.store(key, { data, serial: tid, endTid: null });
    }
    this.#announce('committed', { tid, oids: [...changes.values()].map(({ oid }) => oid) });
    this.#advance(tid);
  }

  #advance(tid: Uint8Array): void {
    if (this.#lastTid === undefined || isLater(tid, this.#lastTid)) this.#lastTid = copyId(tid);
  }
}
