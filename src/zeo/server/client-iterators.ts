import { compareIds } from '../../zodb/ids.js';
import { keyError, outOfOrderError, storageError } from '../memory-storage/python-errors.js';
import type { Revision } from '../memory-storage/revisions.js';
import type { StoredTransaction } from '../memory-storage/transaction-log.js';

/** As many as a client may have open; ZEO's own client gives up the ones that it has dropped at its next commit. */
const maxOpen = 10_000;

interface TransactionIteration {
  readonly iterator: Iterator<StoredTransaction>;
  /** What it gave last: only of that the records can be asked for. */
  last?: StoredTransaction;
}

/** The iterations that a client has under way, by the numbers that it knows them by. */
export class ClientIterators {
  readonly #transactions = new Map<number, TransactionIteration>();
  readonly #records = new Map<number, Iterator<Revision>>();
  #nextId = 0;

  /** @throws ServerError `StorageError` if too many are open. */
  start(iterator: Iterator<StoredTransaction>): number {
    const id = this.#newId();
    this.#transactions.set(id, { iterator });
    return id;
  }

  /** The next transaction; after the last one nothing, once. @throws ServerError `KeyError` */
  next(id: number): StoredTransaction | undefined {
    const iteration = this.#transaction(id);
    const { done, value } = iteration.iterator.next();
    if (done) {
      this.#transactions.delete(id);
      return undefined;
    }
    iteration.last = value;
    return value;
  }

  /**
   * The records of the transaction that an iteration has given last.
   *
   * @throws ServerError `KeyError`, `Exception` if it is another transaction, `StorageError` if too many are open.
   */
  startRecords(id: number, tid: Uint8Array): number {
    // As in ZEO, a call that fails uses a number up.
    const recordsId = this.#newId();
    const { last } = this.#transaction(id);
    if (last === undefined) throw keyError(id);
    if (compareIds(last.tid, tid) !== 0) throw outOfOrderError(tid);
    this.#records.set(recordsId, last.records.values());
    return recordsId;
  }

  /** The next record; after the last one nothing, once. @throws ServerError `KeyError` */
  nextRecord(id: number): Revision | undefined {
    const iterator = this.#records.get(id);
    if (iterator === undefined) throw keyError(id);
    const { done, value } = iterator.next();
    if (!done) return value;
    this.#records.delete(id);
    return undefined;
  }

  /** Gives iterations up; harmless for one that there is not. */
  forget(ids: Iterable<number>): void {
    for (const id of ids) {
      this.#transactions.delete(id);
      this.#records.delete(id);
    }
  }

  #transaction(id: number): TransactionIteration {
    const iteration = this.#transactions.get(id);
    if (iteration === undefined) throw keyError(id);
    return iteration;
  }

  #newId(): number {
    if (this.#transactions.size + this.#records.size >= maxOpen) {
      throw storageError(`More than ${maxOpen} iterators are open`);
    }
    this.#nextId += 1;
    return this.#nextId - 1;
  }
}
