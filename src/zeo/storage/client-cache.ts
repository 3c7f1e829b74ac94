import { LRUCache } from 'lru-cache';
import { compareIds, copyId, idKey, isLater } from '../../zodb/ids.js';
import type { PastRevision } from './revision.js';

/** Roughly what a revision takes besides its record, in bytes: the entry, two ids, and its places in the maps. */
const overheadBytes = 400;

interface Entry {
  readonly key: string;
  readonly data: Uint8Array;
  readonly serial: Uint8Array;
  endTid: Uint8Array | null;
}

/**
 * The most recently read records, in memory. Holds several revisions of an object if several were read (`ZEO/cache.py`).
 *
 * Rules:
 * - At most one revision of an object is current (`endTid` is null), as of the last invalidation that the cache has seen.
 *   The others describe the past, which never changes.
 * - A load is announced before it is sent ({@link beginLoad}): an invalidation that arrives in the meantime marks it, and
 *   the reply to a marked load is not taken as current.
 * - Eviction is left to lru-cache, which is small, maintained, has no dependencies, and counts in bytes.
 */
export class ClientCache {
  readonly #maxBytes: number;
  // Created with the first record and the first load: many storages are kept alive and never read.
  #entries: LRUCache<Entry, true> | undefined;
  /** By object, oldest first. */
  #revisions: Map<string, Entry[]> | undefined;
  /** Loads that were sent, by object. Not a Map, for the reason that `SingleFlight` has. */
  #pending: { [key: string]: Set<PendingLoad> } | undefined;

  /** @param maxBytes 0 disables the cache */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes held, including the estimated overhead of each revision. */
  get size(): number {
    return this.#entries?.calculatedSize ?? 0;
  }

  /** Number of revisions held. */
  get length(): number {
    return this.#entries?.size ?? 0;
  }

  /** Whether a record of this size would fit if everything else were evicted. */
  accepts(bytes: number): boolean {
    return bytes + overheadBytes <= this.#maxBytes;
  }

  /**
   * The revision that was current just before a transaction; `undefined` if the cache does not know. The record is shared
   * with the cache and must not be modified.
   *
   * @param key the object's id, as returned by {@link idKey}
   */
  loadBefore(key: string, tid: Uint8Array): PastRevision | undefined {
    const entry = this.#revisions
      ?.get(key)
      ?.findLast(({ serial, endTid }) => isLater(tid, serial) && (endTid === null || !isLater(tid, endTid)));
    if (entry === undefined) return undefined;
    this.#entries?.get(entry);
    const { data, serial, endTid } = entry;
    return { data, serial: copyId(serial), endTid: endTid && copyId(endTid) };
  }

  /** Call it before a load is sent, and `done()` once the reply has been processed. */
  beginLoad(key: string): PendingLoad {
    this.#pending ??= Object.create(null) as { [key: string]: Set<PendingLoad> };
    const pending = this.#pending;
    const loads = pending[key] ?? new Set();
    pending[key] = loads;
    const load = new PendingLoad(() => {
      loads.delete(load);
      if (loads.size === 0) delete pending[key];
    });
    loads.add(load);
    return load;
  }

  /** Stores a copy of a revision received from the server. */
  store(key: string, { data, serial, endTid }: PastRevision): void {
    if (!this.accepts(data.length)) return;
    const newest = this.#revisions?.get(key)?.at(-1);
    // The cache already has this revision or a later one: it is no longer current, and when it ended is unknown.
    if (newest !== undefined && endTid === null && !isLater(serial, newest.serial)) return;
    if (this.#revisions?.get(key)?.some((known) => compareIds(known.serial, serial) === 0)) return;
    // An invalidation was missed, so when the previous revision ended is unknown.
    if (endTid === null) this.#drop(key);
    this.#insert({ key, data: copy(data), serial: copyId(serial), endTid: endTid && copyId(endTid) });
  }

  /**
   * Records that an object was changed.
   *
   * @param tid the transaction that changed it; the current revision ends there
   */
  invalidate(oid: Uint8Array, tid: Uint8Array): void {
    const key = idKey(oid);
    this.#mark(key, tid);
    const current = this.#current(key);
    // A reply may overtake the invalidation for the very revision that it contains.
    if (current !== undefined && isLater(tid, current.serial)) current.endTid = copyId(tid);
  }

  /**
   * Records that an object was changed at some time up to a transaction: the current revision is dropped, because when it
   * ended is unknown.
   */
  invalidateUpTo(oid: Uint8Array, tid: Uint8Array): void {
    const key = idKey(oid);
    this.#mark(key, tid);
    const current = this.#current(key);
    if (current !== undefined && isLater(tid, current.serial)) this.#entries?.delete(current);
  }

  /** Drops the current revision: a conflict has shown that an invalidation was missed. */
  forgetCurrent(oid: Uint8Array): void {
    this.#drop(idKey(oid));
  }

  /** Drops everything: any object may have changed up to a transaction. */
  clear(tid: Uint8Array): void {
    for (const key in this.#pending) this.#mark(key, tid);
    this.#entries?.clear();
  }

  #current(key: string): Entry | undefined {
    return this.#revisions?.get(key)?.findLast(({ endTid }) => endTid === null);
  }

  #drop(key: string): void {
    const current = this.#current(key);
    if (current !== undefined) this.#entries?.delete(current);
  }

  #mark(key: string, tid: Uint8Array): void {
    for (const load of this.#pending?.[key] ?? []) load.invalidated(tid);
  }

  #insert(entry: Entry): void {
    this.#revisions ??= new Map();
    const revisions = this.#revisions.get(entry.key);
    if (revisions === undefined) this.#revisions.set(entry.key, [entry]);
    else {
      const after = revisions.findLastIndex(({ serial }) => isLater(entry.serial, serial));
      revisions.splice(after + 1, 0, entry);
    }
    this.#entries ??= new LRUCache({
      maxSize: this.#maxBytes,
      sizeCalculation: (_, { data }) => data.length + overheadBytes,
      dispose: (_, entry) => this.#forget(entry),
    });
    this.#entries.set(entry, true);
  }

  /** The inverse of `#insert`; the LRU cache calls it for each entry that it evicts. */
  #forget(entry: Entry): void {
    const revisions = this.#revisions?.get(entry.key);
    if (revisions === undefined) return;
    if (revisions.length > 1) revisions.splice(revisions.indexOf(entry), 1);
    else this.#revisions?.delete(entry.key);
  }
}

/** A view would keep the whole received frame in memory. */
function copy(data: Uint8Array): Uint8Array {
  return new Uint8Array(data);
}

/** A load that has been sent, and the invalidations of its object since then. */
export class PendingLoad {
  /** Call it when the reply has been processed, or none will come. */
  readonly done: () => void;
  #changedBy: Uint8Array | undefined;

  constructor(done: () => void) {
    this.done = done;
  }

  /** Records that a transaction changed the object. */
  invalidated(tid: Uint8Array): void {
    if (this.#changedBy === undefined || isLater(tid, this.#changedBy)) this.#changedBy = copyId(tid);
  }

  /** Whether a reply gives a revision as current that has been invalidated since. */
  isOvertaken({ serial, endTid }: PastRevision): boolean {
    return endTid === null && this.#changedBy !== undefined && isLater(this.#changedBy, serial);
  }

  /** Whether a reply says that the object did not exist before `tid`, although an earlier transaction has changed it. */
  isAbsenceOvertaken(tid: Uint8Array): boolean {
    return this.#changedBy !== undefined && isLater(tid, this.#changedBy);
  }
}
