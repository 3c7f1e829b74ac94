import { checkCount, checkObject, checkSignal, invalidArgument } from '../../model/invalid-argument.js';
import { copyId, isTid, maxTid, takeOid, takeTid } from '../../zodb/ids.js';
import { POSKeyError } from '../../zodb/pos-exception.js';
import type { ResolvedOptions } from '../connection/options.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import { assertPlainObject } from '../encoding/encode-error.js';
import type { Value } from '../encoding/values.js';
import { type HistoryEntry, readHistory, readUndoLog, type UndoEntry } from './history.js';
import {
  type CurrentRecord,
  currentRecords,
  type StoredTransaction,
  storedTransactions,
} from './iteration.js';
import { LiveStorage } from './live-storage.js';
import { Loader } from './loader.js';
import type { PastRevision, Revision } from './revision.js';

/** The part of a `ClientStorage` that reads. */
export abstract class ReadableStorage extends LiveStorage {
  readonly #loader: Loader;

  protected constructor(options: ResolvedOptions) {
    super(options);
    this.#loader = new Loader(this.supervisor, this.freshness, this.loadLock);
  }

  /**
   * The last transaction that this client knows of, 8 bytes, without asking the server, as ZEO's own client answers it.
   * `undefined` before the first connection. What it changed has been told as `invalidated` or `committed`.
   */
  lastTransaction(): Uint8Array | undefined {
    const { lastTid } = this.freshness;
    return lastTid && copyId(lastTid);
  }

  /** Asks the server for its last transaction, 8 bytes. Does not change what {@link lastTransaction} answers. */
  async fetchLastTransaction(signal?: AbortSignal): Promise<Uint8Array> {
    return readTid('lastTransaction', await this.call('lastTransaction', [], signal));
  }

  /**
   * A round trip, after which everything is known that was committed before the call: {@link lastTransaction} names it, or
   * something later (`server_sync` of ZEO's client).
   */
  async sync(signal?: AbortSignal): Promise<void> {
    await this.call('ping', [], signal);
  }

  /** Roughly how many bytes the server's storage takes, as it last said; 0 before the first connection. */
  getSize(): number {
    return this.info?.size ?? 0;
  }

  /** Roughly how many objects there are, as the server last said; 0 before the first connection. */
  get length(): number {
    return this.info?.length ?? 0;
  }

  /**
   * The current revision of an object. While the storage is ready it is never older than {@link lastTransaction}.
   *
   * @param oid 8 bytes
   * @throws POSKeyError when there is no such object
   */
  async load(oid: Uint8Array, signal?: AbortSignal): Promise<Revision> {
    const revision = await this.loadBefore(oid, maxTid, signal);
    if (revision === null) throw new POSKeyError([copyId(oid)]);
    const { data, serial } = revision;
    return { data, serial };
  }

  /**
   * The revision of an object that was current just before a transaction; `null` when it did not exist then.
   * Equal requests in flight are one request. What the cache has is not requested.
   *
   * @param oid 8 bytes
   * @param tid 8 bytes; for what is current as of {@link lastTransaction}, that one plus one
   * @throws POSKeyError when there is no such object
   */
  async loadBefore(oid: Uint8Array, tid: Uint8Array, signal?: AbortSignal): Promise<PastRevision | null> {
    checkSignal(signal);
    return this.#loader.loadBefore(takeOid(oid), takeTid('tid', tid), signal);
  }

  /**
   * The record that a transaction has written for an object.
   *
   * @param serial 8 bytes
   * @throws POSKeyError when it has written none
   */
  async loadSerial(oid: Uint8Array, serial: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const data = await this.call('loadSerial', [takeOid(oid), takeTid('serial', serial)], signal);
    if (data instanceof Uint8Array) return data;
    throw unexpectedReply('loadSerial', 'a record', data);
  }

  /**
   * The transaction that wrote the current revision of an object, 8 bytes, as the server knows it at this moment.
   *
   * @throws POSKeyError when there is no such object
   */
  async getTid(oid: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return readTid('getTid', await this.call('getTid', [takeOid(oid)], signal));
  }

  /**
   * Loads objects into the cache that will be wanted soon. Resolves when they are there; objects that do not exist are
   * passed over.
   *
   * @param tid as in {@link loadBefore}; by default the current revisions
   * @throws ClientDisconnected when there is no connection: it does not wait for one
   */
  async prefetch(oids: Iterable<Uint8Array>, tid: Uint8Array = maxTid, signal?: AbortSignal): Promise<void> {
    checkSignal(signal);
    if (typeof oids?.[Symbol.iterator] !== 'function') throw invalidArgument('oids', 'an iterable', oids);
    const ids = Array.from(oids, takeOid);
    await this.#loader.prefetch(ids, takeTid('tid', tid), signal);
  }

  /**
   * The transactions that have written an object, newest first.
   *
   * @param size the most that are told. Default 1, as ZODB's
   * @throws POSKeyError when there is no such object
   */
  async history(oid: Uint8Array, size = 1, signal?: AbortSignal): Promise<HistoryEntry[]> {
    const args = [takeOid(oid), checkCount('size', size, 0)];
    return readHistory(await this.call('history', args, signal));
  }

  /**
   * Transactions that may be undone, newest first.
   *
   * @param first of them, counted from 0
   * @param last of them, excluded; negative: so many
   */
  async undoLog(first = 0, last = -20, signal?: AbortSignal): Promise<UndoEntry[]> {
    return readUndoLog('undoLog', await this.call('undoLog', range(first, last), signal));
  }

  /**
   * As {@link undoLog}, but only those that have what `specification` says.
   *
   * @param specification values by name, as `{ user_name: 'anna' }`: those of the extension, `user_name` and
   *   `description`
   */
  async undoInfo(
    first = 0,
    last = -20,
    specification: { readonly [name: string]: Value } = {},
    signal?: AbortSignal,
  ): Promise<UndoEntry[]> {
    checkObject('specification', specification);
    assertPlainObject(specification);
    const wanted = Object.entries(specification).map(([name, value]) => [name, asStored(name, value)]);
    const args = [...range(first, last), Object.fromEntries(wanted)];
    return readUndoLog('undoInfo', await this.call('undoInfo', args, signal));
  }

  /**
   * The transactions of the storage, oldest first, each with its records.
   *
   * @param start the first of them, 8 bytes; by default the first that there is
   * @param stop the last of them, 8 bytes; by default the last that there is
   * @throws ClientDisconnected when the connection is lost: the server has forgotten how far it was
   *
   * @example
   * for await (const transaction of storage.iterator()) {
   *   for await (const { oid, data } of transaction) …
   * }
   */
  iterator(
    start?: Uint8Array,
    stop?: Uint8Array,
    signal?: AbortSignal,
  ): AsyncGenerator<StoredTransaction, void, undefined> {
    checkSignal(signal);
    const bounds = [start, stop].map((tid) => (tid === undefined ? null : takeTid('tid', tid)));
    return storedTransactions(() => this.supervisor.whenReady(signal), bounds, signal);
  }

  /**
   * The current records of all objects, in the server's order, where its storage can tell them
   * (`info.supportsRecordIternext`).
   *
   * @throws ServerError where it cannot, and in ZODB's way for a storage without any object: `builtins.ValueError`
   */
  currentRecords(signal?: AbortSignal): AsyncGenerator<CurrentRecord, void, undefined> {
    checkSignal(signal);
    return currentRecords((args) => this.call('record_iternext', args, signal));
  }
}

function readTid(method: string, reply: Value): Uint8Array {
  if (isTid(reply)) return copyId(reply);
  throw unexpectedReply(method, 'a transaction id', reply);
}

/** ZODB compares with what it has stored, where these two are bytes. */
function asStored(name: string, value: Value): Value {
  const isStoredAsBytes = name === 'user_name' || name === 'description';
  return isStoredAsBytes && typeof value === 'string' ? new TextEncoder().encode(value) : value;
}

function range(first: number, last: number): number[] {
  return [checkCount('first', first, 0), checkCount('last', last)];
}
