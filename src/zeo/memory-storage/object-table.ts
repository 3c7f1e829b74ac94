import { idKey } from '../../zodb/ids.js';
import { posKeyError } from './python-errors.js';
import { type ObjectRevision, Revisions } from './revisions.js';

// As in ZODB's MappingStorage (`getSize`).
const bytesPerObject = 50;
const bytesPerRevision = 100;
/** An undo restores a record by a pointer to it. */
const bytesPerPointer = 8;

/** Every object of a storage, with all its revisions. */
export class ObjectTable {
  readonly #objects = new Map<string, Revisions>();
  /** The keys in the order of oids; created on demand. */
  #sorted: string[] | undefined;
  #size = 0;

  /** The number of objects, including deleted ones that were not packed away. */
  get length(): number {
    return this.#objects.size;
  }

  /** The approximate size of all revisions, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** In no particular order. */
  all(): Iterable<Revisions> {
    return this.#objects.values();
  }

  find(oid: Uint8Array): Revisions | undefined {
    return this.#objects.get(idKey(oid));
  }

  /** @throws ServerError `POSKeyError` if there is no such object. */
  get(oid: Uint8Array): Revisions {
    const revisions = this.find(oid);
    if (revisions === undefined) throw posKeyError(oid);
    return revisions;
  }

  /** @throws ServerError `POSKeyError` if there is no such object, or it was deleted. */
  getCurrent(oid: Uint8Array): ObjectRevision {
    const newest = this.get(oid).newest;
    if (newest === undefined || newest.data === null) throw posKeyError(oid);
    return newest;
  }

  add(revision: ObjectRevision): void {
    const key = idKey(revision.oid);
    let revisions = this.#objects.get(key);
    if (revisions === undefined) {
      revisions = new Revisions(revision.oid);
      this.#objects.set(key, revisions);
      this.#sorted = undefined;
      this.#size += bytesPerObject;
    }
    revisions.add(revision);
    this.#size += sizeOf(revision);
  }

  /**
   * The current revisions of the objects from an oid on, in the order of their oids, without deleted ones.
   *
   * @param from 8 bytes; by default all.
   */
  *currentFrom(from?: Uint8Array): Iterable<ObjectRevision> {
    this.#sorted ??= [...this.#objects.keys()].sort();
    const keys = this.#sorted;
    for (let index = from === undefined ? 0 : firstFrom(keys, idKey(from)); index < keys.length; index++) {
      const newest = this.#objects.get(keys[index] as string)?.newest;
      if (newest !== undefined && newest.data !== null) yield newest;
    }
  }

  /** Keeps only these revisions, and the objects that still have some. */
  retain(isKept: (revision: ObjectRevision) => boolean): void {
    this.#size = 0;
    this.#sorted = undefined;
    for (const [key, revisions] of this.#objects) {
      revisions.retain(isKept);
      if (revisions.all.length === 0) this.#objects.delete(key);
      else this.#size += revisions.all.reduce((sum, kept) => sum + sizeOf(kept), bytesPerObject);
    }
  }
}

function sizeOf({ data, origin }: ObjectRevision): number {
  return bytesPerRevision + (origin === null ? (data?.byteLength ?? 0) : bytesPerPointer);
}

/** The index of the first key that is not less. */
function firstFrom(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
