import { compareIds, isLater } from '../ids.js';
import { posKeyError } from './python-errors.js';

/** One state of one object. */
export interface Revision {
  /** The transaction that wrote it, also called its serial. */
  readonly tid: Uint8Array;
  /** `null` where the object was deleted. */
  readonly data: Uint8Array | null;
}

/** What `loadBefore` finds. */
export interface LoadedRevision {
  readonly data: Uint8Array;
  readonly tid: Uint8Array;
  /** The transaction that replaced it, or `null` if it is current. */
  readonly end: Uint8Array | null;
}

/** All states of one object, oldest first. */
export class Revisions {
  readonly #oid: Uint8Array;
  readonly #list: Revision[] = [];

  constructor(oid: Uint8Array) {
    this.#oid = oid;
  }

  add(revision: Revision): void {
    this.#list.push(revision);
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
  at(tid: Uint8Array): Uint8Array | undefined {
    return this.#list.find((revision) => compareIds(revision.tid, tid) === 0)?.data ?? undefined;
  }
}
