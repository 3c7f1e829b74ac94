/*
 * What the server holds a place in: iterators over transactions, and over the records of one of them
 * (`ZEO/ClientStorage.py: TransactionIterator, RecordIterator`).
 *
 * - The place is lost with the connection; the iterator then rejects, it does not start again.
 * - An iterator that is left early tells the server to forget its place, as soon as it knows it: who gives up while the
 *   server makes one is not kept waiting.
 */

import { unlessAborted } from '../../async/abort-watch.js';
import { ProtocolError } from '../../model/errors.js';
import { copyId, isId, isTid } from '../../zodb/ids.js';
import { StorageTransactionError } from '../../zodb/pos-exception.js';
import type { Connection } from '../connection/connection.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import type { Value } from '../encoding/values.js';
import { readExtension, readText, type TransactionDescription } from './history.js';

/** A record as a transaction has written it. */
export interface StoredRecord {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The transaction, 8 bytes. */
  readonly tid: Uint8Array;
  /** `null` when the transaction has taken the object away: deleted it, or undone its creation. */
  readonly data: Uint8Array | null;
  /** The transaction whose record this one repeats, as an undo does; `null` when it has its own. */
  readonly dataTid: Uint8Array | null;
}

/** The record of an object as it is now. */
export interface CurrentRecord {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The transaction that wrote it, 8 bytes. */
  readonly tid: Uint8Array;
  /** As ZODB stores it. */
  readonly data: Uint8Array;
}

/** A transaction as the storage has kept it. Iterates over its records, while it is the last one that was told. */
export class StoredTransaction implements AsyncIterable<StoredRecord> {
  /** 8 bytes. */
  readonly tid: Uint8Array;
  /** One character: a space, or `p` for one that was packed. */
  readonly status: string;
  readonly user: string;
  readonly description: string;
  /** What else its author has said, by name, as in {@link TransactionDescription}. */
  readonly extension: { readonly [name: string]: Value };
  readonly #records: () => AsyncGenerator<StoredRecord, void, undefined>;

  constructor(value: Value, records: (tid: Uint8Array) => AsyncGenerator<StoredRecord, void, undefined>) {
    const [tid, status, user, description, extension] = Array.isArray(value) ? value : [];
    if (!isTid(tid)) throw new ProtocolError('The server told of a transaction that has no id');
    this.tid = copyId(tid);
    this.status = readText(status);
    this.user = readText(user);
    this.description = readText(description);
    this.extension = readExtension(extension);
    this.#records = () => records(this.tid);
  }

  /**
   * @throws StorageTransactionError when the iteration over transactions has gone on, or has ended: the server has only
   *   one place to start from
   */
  [Symbol.asyncIterator](): AsyncGenerator<StoredRecord, void, undefined> {
    return this.#records();
  }
}

/** @param bounds the first and the last transaction, or `null` */
export async function* storedTransactions(
  ready: () => Promise<Connection>,
  bounds: readonly Value[],
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredTransaction, void, undefined> {
  const connection = await ready();
  const place = await takePlace(connection, 'iterator_start', bounds, signal);
  let present: Uint8Array | undefined;
  const records = (tid: Uint8Array) => {
    if (tid === present) return storedRecords(connection, [place, tid], signal);
    throw new StorageTransactionError(['The iteration has left the transaction']);
  };
  try {
    yield* places(connection, place, 'iterator_next', signal, (value) => {
      const transaction = value === null ? undefined : new StoredTransaction(value, records);
      present = transaction?.tid;
      return transaction;
    });
  } finally {
    present = undefined;
  }
}

/** All objects; the server hands out a mark to go on from with each. */
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
  const place = await takePlace(connection, 'iterator_record_start', from, signal);
  yield* places(connection, place, 'iterator_record_next', signal, readRecord);
}

async function takePlace(
  connection: Connection,
  method: string,
  args: readonly Value[],
  signal: AbortSignal | undefined,
): Promise<number> {
  signal?.throwIfAborted();
  const taken = connection.call(method, args).then((place) => readPlace(method, place));
  try {
    return await unlessAborted(taken, signal);
  } catch (error) {
    // Given up, it may come yet.
    taken.then((place) => forgetPlace(connection, place)).catch(() => {});
    throw error;
  }
}

function readPlace(method: string, reply: Value): number {
  if (typeof reply === 'number' && Number.isSafeInteger(reply)) return reply;
  throw unexpectedReply(method, 'the number of an iterator', reply);
}

function forgetPlace(connection: Connection, place: number): void {
  connection.tell('iterator_gc', [[place]]);
}

/** @param read `undefined` at the end */
async function* places<T>(
  connection: Connection,
  place: number,
  method: string,
  signal: AbortSignal | undefined,
  read: (value: Value) => T | undefined,
): AsyncGenerator<T, void, undefined> {
  let ended = false;
  try {
    for (;;) {
      const item = read(await connection.call(method, [place], signal));
      if (item === undefined) {
        // The server has forgotten the place by itself.
        ended = true;
        return;
      }
      yield item;
    }
  } finally {
    if (!ended) forgetPlace(connection, place);
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
