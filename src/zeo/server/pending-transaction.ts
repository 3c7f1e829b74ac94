import { isEqual } from '../encoding/python-values.js';
import { measureTree } from '../encoding/value-tree.js';
import type { Value } from '../encoding/values.js';
import type { Operation } from '../memory-storage/operation.js';
import { transactionTooLargeError } from '../memory-storage/python-errors.js';
import type { StagedTransaction } from '../memory-storage/staged-transaction.js';
import type { TransactionMeta, TransactionStatus } from '../memory-storage/transaction-log.js';

/** How a client describes a transaction that it begins. */
export interface TransactionStart {
  /** The client's own name for it. */
  readonly id: Value;
  readonly meta: TransactionMeta;
  /** The transaction id that the client demands, when it copies a database. */
  readonly tid: Uint8Array | null;
  readonly status: TransactionStatus;
}

/** What one operation takes in memory besides its record. */
const operationBytes = 100;

/** A client's transaction between `tpc_begin` and its end: operations are collected, and performed at the vote. */
export class PendingTransaction {
  readonly start: TransactionStart;
  /** The result of a successful vote: only `tpc_finish` or an abort can follow. */
  staged: StagedTransaction | undefined;
  readonly #operations: Operation[] = [];
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes its maximum size */
  constructor(start: TransactionStart, maxBytes: number) {
    this.start = start;
    this.#maxBytes = maxBytes;
  }

  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /**
   * @param args of the call that brought it: wrong ones may be large, and an error may hold them.
   * @throws ServerError `TransactionTooLargeError`
   */
  add(operation: Operation, args: readonly Value[] = []): void {
    this.#bytes += args.reduce<number>((sum, arg) => sum + bytesOf(arg), operationBytes);
    if (this.#bytes > this.#maxBytes) {
      throw transactionTooLargeError(`The transaction brings more than ${this.#maxBytes} bytes`);
    }
    this.#operations.push(operation);
  }

  /** Clients name transactions by integers or bytes. */
  is(id: Value): boolean {
    return isEqual(this.start.id, id);
  }
}

/** The size of an argument that should be an id or a record, but may be anything. */
function bytesOf(value: Value): number {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return 0;
  // Ids are part of what each operation takes.
  if (value instanceof Uint8Array) return value.byteLength > 8 ? value.byteLength : 0;
  const { count, length } = measureTree(value, { count: Infinity, length: Infinity });
  return count * operationBytes + length;
}
