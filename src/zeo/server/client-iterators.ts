import { entriesOf, isEqual, numberOf, typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import {
  attributeError,
  keyError,
  outOfOrderError,
  storageError,
  typeError,
} from '../memory-storage/python-errors.js';
import type { ObjectRevision } from '../memory-storage/revisions.js';
import type { LoggedTransaction } from '../memory-storage/transaction-log.js';

/** Maximum of open iterators of a client; ZEO's own client releases those that it has dropped at its next commit. */
const maxOpen = 10_000;

interface TransactionIteration {
  readonly iterator: Iterator<LoggedTransaction>;
  /** The transaction returned last: records can be requested of that one only. */
  last?: LoggedTransaction;
}

/** The open iterators of a client, by their ids. */
export class ClientIterators {
  readonly #transactions = new Map<number, TransactionIteration>();
  readonly #records = new Map<number, Iterator<ObjectRevision>>();
  #nextId = 0;

  /** @throws ServerError `StorageError` if too many are open. */
  start(iterator: Iterator<LoggedTransaction>): number {
    const id = this.#newId();
    this.#transactions.set(id, { iterator });
    return id;
  }

  /** The next transaction; `undefined` once after the last one. @throws ServerError `KeyError` */
  next(id: Value): LoggedTransaction | undefined {
    const key = keyOf(id);
    // ZEO's server finds a record there.
    if (this.#records.has(key)) throw attributeError('Record', 'status');
    const iteration = this.#transaction(id);
    const { done, value } = iteration.iterator.next();
    if (done) {
      this.#transactions.delete(key);
      return undefined;
    }
    iteration.last = value;
    return value;
  }

  /**
   * The records of the transaction that an iterator returned last.
   *
   * @throws ServerError `KeyError`, `Exception` if it is another transaction, `StorageError` if too many are open.
   */
  startRecords(id: Value, tid: Value): number {
    // As in ZEO, a failed call uses up an id.
    const recordsId = this.#newId();
    const { last } = this.#transaction(id);
    if (last === undefined) throw keyError(id);
    if (!isEqual(last.tid, tid)) throw outOfOrderError(tid);
    this.#records.set(recordsId, last.records.values());
    return recordsId;
  }

  /** The next record; `undefined` once after the last one. @throws ServerError `KeyError` */
  nextRecord(id: Value): ObjectRevision | undefined {
    const key = keyOf(id);
    if (this.#transactions.has(key)) throw attributeError('TransactionRecord', 'oid');
    const iterator = this.#records.get(key);
    if (iterator === undefined) throw keyError(id);
    const { done, value } = iterator.next();
    if (!done) return value;
    this.#records.delete(key);
    return undefined;
  }

  /** Closes iterators; unknown ids are ignored. */
  forget(ids: readonly Value[]): void {
    for (const id of ids) {
      const key = keyOf(id);
      this.#transactions.delete(key);
      this.#records.delete(key);
    }
  }

  #transaction(id: Value): TransactionIteration {
    const iteration = this.#transactions.get(keyOf(id));
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

/** The id that a client's value equals as a key in Python; NaN, which no iterator has, for other types than numbers. */
function keyOf(id: Value): number {
  if (entriesOf(id) !== undefined) throw typeError(`unhashable type: '${typeName(id)}'`);
  return Number(numberOf(id) ?? Number.NaN);
}
