import { copyId, isLater } from './ids.js';
import type { PastRevision } from './revision.js';

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
