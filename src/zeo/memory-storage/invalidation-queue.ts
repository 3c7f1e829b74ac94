import { idKey, isLater } from '../../zodb/ids.js';

/** What a client that was disconnected has to invalidate: every object changed up to the last transaction. */
export interface Invalidations {
  readonly tid: Uint8Array;
  readonly oids: readonly Uint8Array[];
}

/**
 * The objects changed by the last transactions, so that a client that reconnects need not drop its whole cache.
 *
 * Bounded: a client that missed more gets no answer. The first entry only marks where the queue
 * begins. Source: ZEO/StorageServer.py, `_setup_invq`, `invalidate`, `get_invalidations`.
 */
export class InvalidationQueue {
  readonly #limit: number;
  readonly #entries: Invalidations[];

  /** @param limit how many transactions to remember, at least 1. */
  constructor(limit: number, lastTransaction: Uint8Array) {
    this.#limit = Math.max(1, limit);
    this.#entries = [{ tid: lastTransaction, oids: [] }];
  }

  add(tid: Uint8Array, oids: readonly Uint8Array[]): void {
    if (this.#entries.length >= this.#limit) this.#entries.shift();
    this.#entries.push({ tid, oids });
  }

  /** The objects changed after `tid`, or `null` if that is too long ago. */
  since(tid: Uint8Array): Invalidations | null {
    const oldest = this.#entries[0];
    const newest = this.#entries.at(-1);
    if (oldest === undefined || newest === undefined || isLater(oldest.tid, tid)) return null;
    const oids = new Map<string, Uint8Array>();
    for (const entry of this.#entries) {
      if (isLater(entry.tid, tid)) for (const oid of entry.oids) oids.set(idKey(oid), oid);
    }
    return { tid: newest.tid, oids: [...oids.values()] };
  }
}
