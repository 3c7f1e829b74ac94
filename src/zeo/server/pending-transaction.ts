import type { Value } from '../encoding/values.js';
import type { Operation } from '../memory-storage/operation.js';
import { transactionTooLargeError } from '../memory-storage/python-errors.js';
import type { StagedTransaction } from '../memory-storage/staged-transaction.js';
import type { TransactionMeta, TransactionStatus } from '../memory-storage/transaction-log.js';

/** What a client says of its transaction when it begins. */
export interface TransactionStart {
  /** The client's own name for it. */
  readonly id: Value;
  readonly meta: TransactionMeta;
  /** The transaction id that the client demands, when it copies a database. */
  readonly tid: Uint8Array | null;
  readonly status: TransactionStatus;
}

/** What one operation takes besides its record. */
const operationBytes = 100;

/** A client's transaction between `tpc_begin` and its end: what it is to do is collected, and done at the vote. */
export class PendingTransaction {
  readonly start: TransactionStart;
  /** What the vote has found, when it went well: only `tpc_finish` or an abort can follow. */
  staged: StagedTransaction | undefined;
  readonly #operations: Operation[] = [];
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes how much it may bring. */
  constructor(start: TransactionStart, maxBytes: number) {
    this.start = start;
    this.#maxBytes = maxBytes;
  }

  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** @throws ServerError `TransactionTooLargeError` */
  add(operation: Operation): void {
    const data = 'data' in operation ? operation.data : null;
    this.#bytes += operationBytes + (data?.byteLength ?? 0);
    if (this.#bytes > this.#maxBytes) {
      throw transactionTooLargeError(`The transaction brings more than ${this.#maxBytes} bytes`);
    }
    this.#operations.push(operation);
  }

  /** Clients name transactions by integers or bytes. */
  is(id: Value | undefined): boolean {
    const own = this.start.id;
    if (id instanceof Uint8Array && own instanceof Uint8Array) return Buffer.compare(id, own) === 0;
    return id === own;
  }
}
