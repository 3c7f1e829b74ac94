import { checkCount, checkObject, checkSignal, invalidArgument } from '../../model/invalid-argument.js';
import { copyId, isTid, maxTid, takeOid, takeTid } from '../../zodb/ids.js';
import { POSKeyError } from '../../zodb/pos-exception.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import { assertPlainObject } from '../encoding/encode-error.js';
import type { Value } from '../encoding/values.js';
import { ConnectedStorage } from './connected-storage.js';
import { type HistoryEntry, readHistory, readUndoLog, type UndoEntry } from './history.js';
import {
  type CurrentRecord,
  currentRecords,
  type StoredTransaction,
  storedTransactions,
} from './iteration.js';
import { Loader } from './loader.js';
import type { PastRevision, Revision } from './revision.js';

/** The part of a `ClientStorage` that reads. */
export abstract class ReadableStorage extends ConnectedStorage {
  #createdLoader: Loader | undefined;

  /** Created with the first load: many storages are kept alive and never read. */
  get #loader(): Loader {
    this.#createdLoader ??= new Loader(this.supervisor, this.freshness, this.loadLock);
    return this.#createdLoader;
  }

  /**
   * The last transaction that this client knows of, 8 bytes; like ZEO's own client it does not ask the server. `undefined`
   * before the first connection. The changes of the transaction have already been emitted as `invalidated` or `committed`.
   */
  lastTransaction(): Uint8Array | undefined {
    const { lastTid } = this.freshness;
    return lastTid && copyId(lastTid);
  }

  /** Asks the server for its last transaction, 8 bytes. Does not change {@link lastTransaction}. */
  async fetchLastTransaction(signal?: AbortSignal): Promise<Uint8Array> {
    return readTid('lastTransaction', await this.call('lastTransaction', [], signal));
  }

  /**
   * A round trip, after which everything committed before the call is known: {@link lastTransaction} is that commit or a
   * later one (`server_sync` of ZEO's client).
   */
  async sync(signal?: AbortSignal): Promise<void> {
    await this.call('ping', [], signal);
  }

  /** Approximate size of the server's storage in bytes, as last reported; 0 before the first connection. */
  getSize(): number {
    return this.info?.size ?? 0;
  }

  /** Approximate number of objects, as last reported by the server; 0 before the first connection. */
  get length(): number {
    return this.info?.length ?? 0;
  }

  /**
   * The current revision of an object. While the storage is ready it is never older than {@link lastTransaction}.
   *
   * @param oid 8 bytes
   * @throws POSKeyError if there is no such object
   */
  async load(oid: Uint8Array, signal?: AbortSignal): Promise<Revision> {
    const revision = await this.loadBefore(oid, maxTid, signal);
    if (revision === null) throw new POSKeyError([copyId(oid)]);
    const { data, serial } = revision;
    return { data, serial };
  }

  /**
   * The revision of an object that was current just before a transaction; `null` if it did not exist then. Served from the
   * cache if possible; concurrent equal loads share one request.
   *
   * @param oid 8 bytes
   * @param tid 8 bytes; for the state as of {@link lastTransaction} pass that id plus one
   * @throws POSKeyError if there is no such object
   */
  async loadBefore(oid: Uint8Array, tid: Uint8Array, signal?: AbortSignal): Promise<PastRevision | null> {
    checkSignal(signal);
    return this.#loader.loadBefore(takeOid(oid), takeTid('tid', tid), signal);
  }

  /**
   * The record that a transaction wrote for an object.
   *
   * @param oid 8 bytes
   * @param serial the transaction, 8 bytes
   * @throws POSKeyError if it did not write the object
   */
  async loadSerial(oid: Uint8Array, serial: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const data = await this.call('loadSerial', [takeOid(oid), takeTid('serial', serial)], signal);
    if (data instanceof Uint8Array) return data;
    throw unexpectedReply('loadSerial', 'a record', data);
  }

  /**
   * Asks the server for the transaction that wrote the current revision of an object, 8 bytes.
   *
   * @param oid 8 bytes
   * @throws POSKeyError if there is no such object
   */
  async getTid(oid: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return readTid('getTid', await this.call('getTid', [takeOid(oid)], signal));
  }

  /**
   * Loads objects into the cache that will be needed soon. Resolves when they are cached; objects that do not exist or are
   * too large are skipped.
   *
   * @param oids 8 bytes each
   * @param tid as in {@link loadBefore}; by default the current revisions are loaded
   * @throws ClientDisconnected if there is no connection: it does not wait for one
   */
  async prefetch(oids: Iterable<Uint8Array>, tid: Uint8Array = maxTid, signal?: AbortSignal): Promise<void> {
    checkSignal(signal);
    if (typeof oids?.[Symbol.iterator] !== 'function') throw invalidArgument('oids', 'an iterable', oids);
    const ids = Array.from(oids, takeOid);
    await this.#loader.prefetch(ids, takeTid('tid', tid), signal);
  }

  /**
   * The transactions that wrote an object, newest first.
   *
   * @param oid 8 bytes
   * @param size the maximum number of entries; default 1, as in ZODB
   * @throws POSKeyError if there is no such object
   */
  async history(oid: Uint8Array, size = 1, signal?: AbortSignal): Promise<HistoryEntry[]> {
    const args = [takeOid(oid), checkCount('size', size, 0)];
    return readHistory(await this.call('history', args, signal));
  }

  /**
   * Transactions that can be undone, newest first.
   *
   * @param first index of the first entry, from 0
   * @param last index after the last entry; if negative, the maximum number of entries
   */
  async undoLog(first = 0, last = -20, signal?: AbortSignal): Promise<UndoEntry[]> {
    return readUndoLog('undoLog', await this.call('undoLog', range(first, last), signal));
  }

  /**
   * As {@link undoLog}, but only transactions that match `specification`.
   *
   * @param specification the required values by name, for example `{ user_name: 'anna' }`: `user_name`, `description`, and
   *   the keys of the extension
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
   * @param start the first transaction, 8 bytes; by default the first of the storage
   * @param stop the last transaction, 8 bytes; by default the last of the storage
   * @throws ClientDisconnected if the connection is lost: the position is kept by the server, for that connection only
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
   * The current records of all objects, in the server's order, if its storage supports that
   * (`info.supportsRecordIternext`).
   *
   * @throws ServerError if it does not; and, as in ZODB, `builtins.ValueError` for a storage without any object
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

/** ZODB compares these two with what is stored, which is bytes. */
function asStored(name: string, value: Value): Value {
  const isStoredAsBytes = name === 'user_name' || name === 'description';
  return isStoredAsBytes && typeof value === 'string' ? new TextEncoder().encode(value) : value;
}

function range(first: number, last: number): number[] {
  return [checkCount('first', first, 0), checkCount('last', last)];
}
