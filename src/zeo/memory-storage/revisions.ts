import { compareIds, isLater } from '../../zodb/ids.js';
import { posKeyError } from './python-errors.js';

/** One state of one object. */
export interface ObjectRevision {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The transaction that wrote it, also called its serial. */
  readonly tid: Uint8Array;
  /** The record; `null` where the object was deleted, or its creation undone. */
  readonly data: Uint8Array | null;
  /** The transaction whose record it restores, if an undo wrote it; otherwise `null`. */
  readonly origin: Uint8Array | null;
}

/** The result of `loadBefore`. */
export interface LoadedRevision {
  readonly data: Uint8Array;
  readonly tid: Uint8Array;
  /** The transaction that replaced it, or `null` if it is current. */
  readonly end: Uint8Array | null;
}

/** All states of one object, oldest first. */
export class Revisions {
  readonly #oid: Uint8Array;
  #list: ObjectRevision[] = [];

  constructor(oid: Uint8Array) {
    this.#oid = oid;
  }

  add(revision: ObjectRevision): void {
    this.#list.push(revision);
  }

  get all(): readonly ObjectRevision[] {
    return this.#list;
  }

  get newest(): ObjectRevision | undefined {
    return this.#list.at(-1);
  }

  /** The serial of the newest state; `undefined` when that is a deletion. */
  get serial(): Uint8Array | undefined {
    const newest = this.#list.at(-1);
    return newest?.data === null ? undefined : newest?.tid;
  }

  /**
   * The state that was current just before a transaction, or `null` if the object came later.
   *
   * @throws ServerError `POSKeyError` if it was deleted then.
   */
  before(tid: Uint8Array): LoadedRevision | null {
    const index = this.#list.findLastIndex((revision) => isLater(tid, revision.tid));
    const found = this.#list[index];
    if (found === undefined) return null;
    if (found.data === null) throw posKeyError(this.#oid);
    return { data: found.data, tid: found.tid, end: this.#list[index + 1]?.tid ?? null };
  }

  /** The state that a transaction wrote. */
  at(tid: Uint8Array): ObjectRevision | undefined {
    return this.#list.findLast((revision) => compareIds(revision.tid, tid) === 0);
  }

  /** The newest state that is no later than a transaction. */
  until(tid: Uint8Array): ObjectRevision | undefined {
    return this.#list.findLast((revision) => !isLater(revision.tid, tid));
  }

  /** The state that this one replaced. */
  previous(revision: ObjectRevision): ObjectRevision | undefined {
    return this.#list[this.#list.indexOf(revision) - 1];
  }

  /** Keeps only these states. */
  retain(isKept: (revision: ObjectRevision) => boolean): void {
    this.#list = this.#list.filter(isKept);
  }
}
