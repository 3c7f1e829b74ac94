import { compareIds, isLater } from '../../zodb/ids.js';
import type { Value } from '../encoding/values.js';
import type { ObjectRevision } from './revisions.js';

/** Who committed, and why, in bytes as ZODB keeps it. */
export interface TransactionMeta {
  readonly user: Value;
  readonly description: Value;
  readonly extension: Value;
}

/** ZODB's mark in a transaction's header: `p` if it was packed, so that it cannot be undone. */
export type TransactionStatus = ' ' | 'p';

/** A transaction that was committed. */
export interface LoggedTransaction {
  /** 8 bytes. */
  readonly tid: Uint8Array;
  readonly status: TransactionStatus;
  readonly meta: TransactionMeta;
  /** What it wrote, in the order in which it was stored. */
  readonly records: readonly ObjectRevision[];
}

/** Every transaction of a storage, oldest first. */
export class TransactionLog {
  #list: LoggedTransaction[] = [];

  get all(): readonly LoggedTransaction[] {
    return this.#list;
  }

  add(transaction: LoggedTransaction): void {
    this.#list.push(transaction);
  }

  find(tid: Uint8Array): LoggedTransaction | undefined {
    const found = this.#list[this.#firstFrom(tid)];
    return found !== undefined && compareIds(found.tid, tid) === 0 ? found : undefined;
  }

  /**
   * The transactions from one to another, both included. Commits and packs may happen between two steps.
   */
  *between(start: Uint8Array, stop: Uint8Array): Generator<LoggedTransaction, undefined> {
    let next = this.#list[this.#firstFrom(start)];
    while (next !== undefined && !isLater(next.tid, stop)) {
      const { tid } = next;
      yield next;
      next = this.#after(tid);
    }
    return undefined;
  }

  /** Keeps only these records, and marks the transactions up to a moment as packed. */
  pack(stop: Uint8Array, isKept: (revision: ObjectRevision) => boolean): void {
    this.#list = this.#list.flatMap((transaction): LoggedTransaction[] => {
      if (isLater(transaction.tid, stop)) return [transaction];
      const records = transaction.records.filter(isKept);
      return records.length === 0 ? [] : [{ ...transaction, status: 'p', records }];
    });
  }

  #after(tid: Uint8Array): LoggedTransaction | undefined {
    const index = this.#firstFrom(tid);
    const found = this.#list[index];
    return found !== undefined && compareIds(found.tid, tid) === 0 ? this.#list[index + 1] : found;
  }

  /** The index of the first transaction that is not earlier. */
  #firstFrom(tid: Uint8Array): number {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isLater(tid, (this.#list[middle] as LoggedTransaction).tid)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
