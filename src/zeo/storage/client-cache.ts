import { LRUCache } from 'lru-cache';
import { compareIds, copyId, idKey, isLater } from '../../zodb/ids.js';
import type { PastRevision } from './revision.js';

/** What a revision takes beside its record: itself, two ids, and its places in the maps. In bytes, roughly. */
const overheadBytes = 400;

interface Entry {
  readonly key: string;
  readonly data: Uint8Array;
  readonly serial: Uint8Array;
  endTid: Uint8Array | null;
}

/**
 * The records that were read lately, in memory, several revisions of an object where several were read
 * (`ZEO/cache.py`).
 *
 * Rules:
 * - Of an object at most one revision is current (`endTid` is null), and it is so as of the last invalidation that the
 *   cache was told of. The others are the truth about the past, which nothing changes.
 * - A load says that it is on its way ({@link expect}): an invalidation that comes meanwhile marks it, and what a
 *   marked load brings is not taken for current.
 * - Which revisions go when there are too many is lru-cache's business: small, without dependencies, kept, and it counts
 *   in bytes.
 */
export class ClientCache {
  readonly #maxBytes: number;
  /** Made with the first record: many a storage is only kept alive. */
  #entries: LRUCache<Entry, true> | undefined;
  /** By object, oldest first. */
  readonly #revisions = new Map<string, Entry[]>();
  readonly #expected = new Map<string, Set<ExpectedLoad>>();

  /** @param maxBytes 0: keeps nothing */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many bytes it holds, as it counts them. */
  get size(): number {
    return this.#entries?.calculatedSize ?? 0;
  }

  /** How many revisions it holds. */
  get length(): number {
    return this.#entries?.size ?? 0;
  }

  /** Whether there is room for so many bytes of records, if all else goes. */
  accepts(bytes: number): boolean {
    return bytes + overheadBytes <= this.#maxBytes;
  }

  /**
   * The revision that was current just before a transaction; `undefined` when that is not known here. Its record is the cache's
   * own, for everybody to read and nobody to write into.
   *
   * @param key the object's id as {@link idKey} writes it
   */
  loadBefore(key: string, tid: Uint8Array): PastRevision | undefined {
    const entry = this.#revisions
      .get(key)
      ?.findLast(({ serial, endTid }) => isLater(tid, serial) && (endTid === null || !isLater(tid, endTid)));
    if (entry === undefined) return undefined;
    this.#entries?.get(entry);
    const { data, serial, endTid } = entry;
    return { data, serial: copyId(serial), endTid: endTid && copyId(endTid) };
  }

  /** To be called before a load is sent; `done` when its answer has been looked at. */
  expect(key: string): ExpectedLoad {
    let loads = this.#expected.get(key);
    if (loads === undefined) {
      loads = new Set();
      this.#expected.set(key, loads);
    }
    const load = new ExpectedLoad(() => {
      loads.delete(load);
      if (loads.size === 0) this.#expected.delete(key);
    });
    loads.add(load);
    return load;
  }

  /** Keeps a copy of a revision that a server has told of. */
  store(key: string, { data, serial, endTid }: PastRevision): void {
    if (!this.accepts(data.length)) return;
    const newest = this.#revisions.get(key)?.at(-1);
    // Known already, or something later is: then it is current no more, and when it ended is not known.
    if (newest !== undefined && endTid === null && !isLater(serial, newest.serial)) return;
    if (this.#revisions.get(key)?.some((known) => compareIds(known.serial, serial) === 0)) return;
    // An invalidation is missing.
    if (endTid === null) this.#drop(key);
    this.#insert({ key, data: copy(data), serial: copyId(serial), endTid: endTid && copyId(endTid) });
  }

  /**
   * Learns that an object was changed.
   *
   * @param tid by that transaction; what was current until now was so until then
   */
  invalidate(oid: Uint8Array, tid: Uint8Array): void {
    const key = idKey(oid);
    this.#mark(key, tid);
    const current = this.#current(key);
    // An answer may have overtaken the invalidation of what it has brought already.
    if (current !== undefined && isLater(tid, current.serial)) current.endTid = copyId(tid);
  }

  /**
   * Learns that an object was changed once or more up to a transaction, not when: what was current until now is of no
   * more use.
   */
  invalidateUpTo(oid: Uint8Array, tid: Uint8Array): void {
    const key = idKey(oid);
    this.#mark(key, tid);
    const current = this.#current(key);
    if (current !== undefined && isLater(tid, current.serial)) this.#entries?.delete(current);
  }

  /** Forgets what it takes for current: a conflict has shown that an invalidation was missed. */
  forgetCurrent(oid: Uint8Array): void {
    this.#drop(idKey(oid));
  }

  /** Learns that everything may have changed up to a transaction. */
  clear(tid: Uint8Array): void {
    for (const key of this.#expected.keys()) this.#mark(key, tid);
    this.#entries?.clear();
  }

  #current(key: string): Entry | undefined {
    return this.#revisions.get(key)?.findLast(({ endTid }) => endTid === null);
  }

  #drop(key: string): void {
    const current = this.#current(key);
    if (current !== undefined) this.#entries?.delete(current);
  }

  #mark(key: string, tid: Uint8Array): void {
    for (const load of this.#expected.get(key) ?? []) load.invalidated(tid);
  }

  #insert(entry: Entry): void {
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

  /** The inverse of `#insert`, called by the LRU cache for whatever it lets go. */
  #forget(entry: Entry): void {
    const revisions = this.#revisions.get(entry.key);
    if (revisions === undefined) return;
    if (revisions.length > 1) revisions.splice(revisions.indexOf(entry), 1);
    else this.#revisions.delete(entry.key);
  }
}

/** The cache must not keep the frame that brought it. */
function copy(data: Uint8Array): Uint8Array {
  return new Uint8Array(data);
}

/** A load that is on its way, and what is learnt of its object meanwhile. */
export class ExpectedLoad {
  /** That its answer has been looked at, or that none will come. */
  readonly done: () => void;
  #changedBy: Uint8Array | undefined;

  constructor(done: () => void) {
    this.done = done;
  }

  /** The object was changed by a transaction. */
  invalidated(tid: Uint8Array): void {
    if (this.#changedBy === undefined || isLater(tid, this.#changedBy)) this.#changedBy = copyId(tid);
  }

  /** Whether an answer says that a revision is current of which it is known by now that it is not. */
  isOvertaken({ serial, endTid }: PastRevision): boolean {
    return endTid === null && this.#changedBy !== undefined && isLater(this.#changedBy, serial);
  }

  /** Whether an answer says that there is no object before a time, and a transaction before it has changed it. */
  isAbsenceOvertaken(tid: Uint8Array): boolean {
    return this.#changedBy !== undefined && isLater(tid, this.#changedBy);
  }
}
