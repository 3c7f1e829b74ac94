/*
 * Iterators with a cursor on the server, over transactions and over the records of one of them
 * (`ZEO/ClientStorage.py: TransactionIterator, RecordIterator`).
 *
 * Rules:
 * - The cursor is lost with the connection; the iterator then rejects and does not start again.
 * - An iterator that is left early releases its cursor. If it is left while the cursor is being created, it does not wait:
 *   the cursor is released when its id arrives.
 */

import { unlessAborted } from '../../async/abort-watch.js';
import { copyId, isId, isTid } from '../../zodb/ids.js';
import { StorageTransactionError } from '../../zodb/pos-exception.js';
import type { Connection } from '../connection/connection.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import type { Value } from '../encoding/values.js';
import { readExtension, readText, type TransactionDescription } from './history.js';

/** A record as written by a transaction. */
export interface StoredRecord {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The transaction that wrote it, 8 bytes. */
  readonly tid: Uint8Array;
  /** `null` if the transaction deleted the object, or undid its creation. */
  readonly data: Uint8Array | null;
  /** The transaction whose data this record repeats, as after an undo; `null` if it has its own. */
  readonly dataTid: Uint8Array | null;
}

/** The current record of an object. */
export interface CurrentRecord {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The transaction that wrote it, 8 bytes. */
  readonly tid: Uint8Array;
  /** In ZODB's format: two pickles. */
  readonly data: Uint8Array;
}

/** A transaction of the storage. Iterates over its records, until the iterator that yielded it moves on. */
export class StoredTransaction implements AsyncIterable<StoredRecord> {
  /** 8 bytes. */
  readonly tid: Uint8Array;
  /** One character: a space, or `p` if it was packed. */
  readonly status: string;
  readonly user: string;
  readonly description: string;
  /** Further metadata by name, as in {@link TransactionDescription}. */
  readonly extension: { readonly [name: string]: Value };
  readonly #records: () => AsyncGenerator<StoredRecord, void, undefined>;

  constructor(value: Value, records: (tid: Uint8Array) => AsyncGenerator<StoredRecord, void, undefined>) {
    const [tid, status, user, description, extension] = Array.isArray(value) ? value : [];
    if (!isTid(tid)) throw unexpectedReply('iterator_next', 'a transaction with an id', value);
    this.tid = copyId(tid);
    this.status = readText(status);
    this.user = readText(user);
    this.description = readText(description);
    this.extension = readExtension(extension);
    this.#records = () => records(this.tid);
  }

  /**
   * @throws StorageTransactionError if the iteration over transactions has moved on or ended: the records are read from the
   *   position of its cursor
   */
  [Symbol.asyncIterator](): AsyncGenerator<StoredRecord, void, undefined> {
    return this.#records();
  }
}

/** @param bounds the first and the last transaction; `null` for no bound */
export async function* storedTransactions(
  ready: () => Promise<Connection>,
  bounds: readonly Value[],
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredTransaction, void, undefined> {
  const connection = await ready();
  const cursor = await openCursor(connection, 'iterator_start', bounds, signal);
  let current: Uint8Array | undefined;
  const records = (tid: Uint8Array) => {
    if (tid === current) return storedRecords(connection, [cursor, tid], signal);
    throw new StorageTransactionError([
      'The iteration over transactions has moved on: the records can no longer be read',
    ]);
  };
  try {
    yield* itemsOf(connection, cursor, 'iterator_next', signal, (value) => {
      const transaction = value === null ? undefined : new StoredTransaction(value, records);
      current = transaction?.tid;
      return transaction;
    });
  } finally {
    current = undefined;
  }
}

/** All objects; each reply has a mark, from which the next call continues. */
export async function* currentRecords(
  next: (args: readonly Value[]) => Promise<Value>,
): AsyncGenerator<CurrentRecord, void, undefined> {
  for (let mark: Value = null; ; ) {
    const reply = await next([mark]);
    const [oid, tid, data, following] = Array.isArray(reply) ? reply : [];
    if (!(isId(oid) && isTid(tid) && data instanceof Uint8Array) || following === undefined)
      throw unexpectedReply('record_iternext', 'a record', reply);
    yield { oid, tid, data };
    if (following === null) return;
    mark = following;
  }
}

async function* storedRecords(
  connection: Connection,
  from: readonly Value[],
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredRecord, void, undefined> {
  const cursor = await openCursor(connection, 'iterator_record_start', from, signal);
  yield* itemsOf(connection, cursor, 'iterator_record_next', signal, readRecord);
}

async function openCursor(
  connection: Connection,
  method: string,
  args: readonly Value[],
  signal: AbortSignal | undefined,
): Promise<number> {
  signal?.throwIfAborted();
  const opening = connection.call(method, args).then((cursor) => readCursor(method, cursor));
  try {
    return await unlessAborted(opening, signal);
  } catch (error) {
    // Aborted while the server created it: released when its id arrives.
    opening.then((cursor) => releaseCursor(connection, cursor)).catch(() => {});
    throw error;
  }
}

function readCursor(method: string, reply: Value): number {
  if (typeof reply === 'number' && Number.isSafeInteger(reply)) return reply;
  throw unexpectedReply(method, 'the number of an iterator', reply);
}

function releaseCursor(connection: Connection, cursor: number): void {
  connection.tell('iterator_gc', [[cursor]]);
}

/** @param read returns `undefined` at the end of the iteration */
async function* itemsOf<T>(
  connection: Connection,
  cursor: number,
  method: string,
  signal: AbortSignal | undefined,
  read: (value: Value) => T | undefined,
): AsyncGenerator<T, void, undefined> {
  let ended = false;
  try {
    for (;;) {
      const item = read(await connection.call(method, [cursor], signal));
      if (item === undefined) {
        // The server has already released the cursor.
        ended = true;
        return;
      }
      yield item;
    }
  } finally {
    if (!ended) releaseCursor(connection, cursor);
  }
}

function readRecord(value: Value): StoredRecord | undefined {
  if (value === null) return undefined;
  const [oid, tid, data, dataTid] = Array.isArray(value) ? value : [];
  const hasData = data === null || data instanceof Uint8Array;
  const hasDataTid = dataTid === null || dataTid === undefined || isTid(dataTid);
  if (isId(oid) && isTid(tid) && hasData && hasDataTid) return { oid, tid, data, dataTid: dataTid ?? null };
  throw unexpectedReply('iterator_record_next', 'a record', value);
}
