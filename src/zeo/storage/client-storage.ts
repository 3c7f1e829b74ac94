import { randomUUID } from 'node:crypto';
import { unlessAborted } from '../../async/abort-watch.js';
import { Mutex } from '../../async/mutex.js';
import { KeepAliveError } from '../../model/errors.js';
import { checkObject, checkSignal, invalidArgument } from '../../model/invalid-argument.js';
import { compareIds, copyId, idFromBigInt, idToBigInt, isLater, zeroId } from '../../zodb/ids.js';
import { ReadOnlyError } from '../../zodb/pos-exception.js';
import {
  type ClientStorageOptions,
  type ResolvedOptions,
  resolveClientOptions,
} from '../connection/options.js';
import { warnOfUnits } from '../connection/unit-warning.js';
import { assertPlainObject } from '../encoding/encode-error.js';
import type { Value } from '../encoding/values.js';
import { OidPool } from './oid-pool.js';
import { checkOutcome, type UnknownOutcome } from './outcome-unknown.js';
import { ReadableStorage } from './readable-storage.js';
import { Transaction } from './transaction.js';
import { readTarget } from './uri.js';

/** Describes a transaction; shown in the undo log and in the history. */
export interface TransactionMetadata {
  readonly user?: string | undefined;
  readonly description?: string | undefined;
  /**
   * Further metadata by name: a plain object. `zeo_commit_id` is added to it, a random string by which `outcomeOf` finds
   * the transaction again; it is visible to every reader of the extension.
   */
  readonly extension?: { readonly [name: string]: Value } | undefined;
}

/** The key in a transaction's extension that identifies it. */
const commitIdKey = 'zeo_commit_id';

/**
 * A client of one storage of a ZEO server, version 5 or 6 (`ZEO/ClientStorage.py`), without blobs.
 *
 * It reconnects by itself as long as it is open, and emits events as the connection comes and goes. A call made while there
 * is no connection waits for one, up to `waitTimeout`; a call whose connection is lost rejects with a
 * {@link ClientDisconnected} and may be repeated. Every method that calls the server accepts a signal and rejects with its
 * reason; `open` has `waitTimeout` instead.
 *
 * Object and transaction ids are `Uint8Array`s of 8 bytes, transaction ids at most `maxTid`; `formatId`, `parseId`,
 * `idToBigInt` and `idFromBigInt` convert them. They are copied when a method is called, not when the call is sent. Anything
 * else is rejected with `ERR_ZEO_INVALID_ARGUMENT`, and nothing is sent.
 *
 * The server's exceptions become errors with ZODB's names ({@link POSKeyError}, {@link ConflictError} …), or else a
 * {@link ServerError} with the class name and arguments. A malformed reply is a {@link ProtocolError}; the connection is
 * kept where that is possible.
 *
 * An open storage keeps the process alive, connected or not: call `close()`.
 *
 * @example
 * await using storage = await ClientStorage.open('zeo://localhost:8100?storage=1&wait_timeout=5');
 * storage.on('invalidated', ({ oids }) => objects.forget(oids));
 * const { data, serial } = await storage.load(oid);
 * await storage.commit({ description: 'Change' }, (transaction) => transaction.store(oid, serial, changed(data)));
 */
export class ClientStorage extends ReadableStorage {
  readonly #options: ResolvedOptions;
  readonly #commitLock = new Mutex();
  /** Created with the first new object. */
  #oids: OidPool | undefined;
  #transactions = 0;

  /**
   * Opens a storage and, unless `wait` is false, waits for its server.
   *
   * @param options the options, a `zeo://` URI, or an address as a string
   * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`, `ERR_ZEO_INVALID_ARGUMENT`; at once, because waiting would
   *   not help, `ERR_ZEO_UNKNOWN_STORAGE`, `ERR_ZEO_READ_ONLY`, `ERR_ZEO_NOT_ZEO`, `ERR_ZEO_PROTOCOL_VERSION`,
   *   `ERR_ZEO_FRAME_TOO_LARGE`, `ERR_ZEO_PROTOCOL`, `ERR_ZEO_TLS`; ClientDisconnected `ERR_ZEO_WAIT_TIMEOUT`, whose
   *   `cause` is the last failure. Nothing is left open then.
   */
  static async open(options: ClientStorageOptions | string): Promise<ClientStorage> {
    const given = typeof options === 'string' ? readTarget(options) : options;
    const storage = new ClientStorage(resolveClientOptions(given));
    warnOfUnits(given);
    storage.supervisor.start();
    if (!storage.#options.wait) return storage;
    try {
      await storage.supervisor.whenFirstReady();
      return storage;
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  private constructor(options: ResolvedOptions) {
    super(options);
    this.#options = options;
  }

  /**
   * A new object id, 8 bytes, which no other client gets. They are fetched from the server a hundred at a time.
   *
   * @throws ReadOnlyError; ClientDisconnected; `signal.reason`
   */
  async newOid(signal?: AbortSignal): Promise<Uint8Array> {
    checkSignal(signal);
    const connection = await this.supervisor.whenReady(signal);
    if (this.isReadOnly()) throw new ReadOnlyError();
    this.#oids ??= new OidPool();
    return this.#oids.take(connection, signal);
  }

  /**
   * Begins a two-phase commit. A storage runs one at a time: this waits until the previous one has ended.
   *
   * @throws ReadOnlyError; ClientDisconnected; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`; `signal.reason`
   */
  async tpcBegin(metadata: TransactionMetadata = {}, signal?: AbortSignal): Promise<Transaction> {
    checkSignal(signal);
    const commitId = randomUUID();
    const description = describe(metadata, commitId);
    const release = await this.#commitLock.acquire(signal);
    try {
      const connection = await this.supervisor.whenReady(signal);
      if (this.isReadOnly()) throw new ReadOnlyError();
      this.#transactions += 1;
      const id = this.#transactions;
      connection.tell('tpc_begin', [id, ...description, null, ' ']);
      const { resolveConflict } = this.#options;
      return new Transaction({
        id,
        connection,
        freshness: this.freshness,
        commitId,
        resolveConflict,
        release,
      });
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Runs a whole transaction: begins it, calls `work`, votes, and finishes it. On any failure it is aborted.
   *
   * If `signal` aborts, it rejects at once, even while `work` runs; further calls of `work` on the transaction are then
   * rejected. The next transaction begins when the server has answered `tpc_abort`. Once `tpcFinish` has begun, the
   * transaction can no longer be cancelled.
   *
   * @returns the transaction's id, 8 bytes
   * @throws what `work`, {@link tpcBegin}, `tpcVote` and `tpcFinish` throw; `signal.reason`
   *
   * @example
   * await storage.commit({ user: 'anna' }, async (transaction) => {
   *   await transaction.store(await storage.newOid(), zeroId, record);
   * });
   */
  async commit(
    metadata: TransactionMetadata,
    work: (transaction: Transaction) => unknown,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    if (typeof work !== 'function') throw invalidArgument('work', 'a function', work);
    const transaction = await this.tpcBegin(metadata, signal);
    try {
      await unlessAborted(Promise.resolve(work(transaction)), signal);
      await transaction.tpcVote(signal);
      return await transaction.tpcFinish();
    } catch (error) {
      // The caller that aborted does not wait for the server's answer; the commit lock does.
      await unlessAborted(transaction[Symbol.asyncDispose](), signal).catch(() => {});
      throw error;
    }
  }

  /**
   * Finds out whether a transaction with an unknown outcome was committed. To be certain, it briefly takes the server's
   * commit lock: by then the transaction has either been finished or never will be. If the server still believes that the
   * lost connection is open, this takes until it notices.
   *
   * Call it before the next pack, which removes transactions whose records have all been replaced or are unreachable: the
   * absence of a transaction proves something only while `since` is present and not marked as packed. Two packs go
   * unnoticed: that of a `DemoStorage` whose base has `since`, and one without garbage collection that has emptied a storage
   * which was empty before the transaction.
   *
   * @param unknown the error of `tpcFinish`, or its serialized form
   * @returns the transaction's id, 8 bytes; `undefined` if it was not committed and never will be, or if it stored nothing:
   *   some storages do not keep an empty transaction
   * @throws KeepAliveError `ERR_ZEO_OUTCOME_LOST` if the transaction is not found and may have been packed away; for a
   *   storage without undo (`info.supportsUndo`) whenever it is not found, because such a storage need not mark packed
   *   transactions. ReadOnlyError on a read-only connection, which cannot take the commit lock; ClientDisconnected;
   *   ServerError if the server's storage cannot iterate; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
   */
  async outcomeOf(unknown: UnknownOutcome, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const { commitId, since } = checkOutcome(unknown);
    await this.#passCommitLock(signal);
    // An upper bound: what others commit from now on is irrelevant, and must not be kept waiting either.
    const stop = await this.fetchLastTransaction(signal);
    const start = isLater(stop, since) ? idFromBigInt(idToBigInt(since) + 1n) : undefined;
    if (start !== undefined)
      for await (const { tid, extension } of this.iterator(start, stop, signal))
        if (extension[commitIdKey] === commitId) return copyId(tid);
    // Checked last: the storage may have been packed during the search.
    if (await this.#isUnpackedAfter(since, signal)) return undefined;
    throw new KeepAliveError(
      'ERR_ZEO_OUTCOME_LOST',
      'The outcome of the transaction can no longer be determined: it may have been packed away',
    );
  }

  /**
   * Packs the storage: removes revisions that were replaced before a given time, and unreachable objects. Works on a
   * read-only connection, too.
   *
   * @param options `before`: the time, default now. `wait`: whether to wait for the pack to finish, which may take hours;
   *   default `true`.
   * @throws ServerError as raised by the server's storage, for example because a pack is already running
   */
  async pack(options: { before?: Date; wait?: boolean } = {}, signal?: AbortSignal): Promise<void> {
    checkObject('options', options);
    const { before = new Date(), wait = true } = options;
    if (typeof wait !== 'boolean') throw invalidArgument('wait', 'true or false', wait);
    const seconds = before instanceof Date ? before.getTime() / 1000 : Number.NaN;
    if (Number.isNaN(seconds)) throw invalidArgument('before', 'a valid Date', before);
    await this.call('pack', [seconds, wait], signal);
  }

  /**
   * Whether no pack can have removed a transaction after `since`. A pack marks the transactions that it keeps up to the pack
   * time, because they can no longer be undone (`ZODB/FileStorage/fspack.py: copyDataRecords`); so everything after an
   * unmarked transaction is later than the pack time. If the storage was empty at `since`, the first transaction decides: a
   * pack of anything before it would have left the root object.
   */
  async #isUnpackedAfter(since: Uint8Array, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.info?.supportsUndo !== true) return false;
    const wasEmpty = compareIds(since, zeroId) === 0;
    for await (const { tid, status } of this.iterator(since, undefined, signal))
      return status === ' ' && (wasEmpty || compareIds(tid, since) === 0);
    return wasEmpty;
  }

  /** Afterwards every earlier holder of the server's commit lock has finished its transaction, or never will. */
  async #passCommitLock(signal: AbortSignal | undefined): Promise<void> {
    const barrier = await this.tpcBegin({}, signal);
    try {
      await barrier.tpcVote(signal);
    } finally {
      await unlessAborted(barrier.tpcAbort(), signal);
    }
  }

  protected override rejectWaiters(error: Error): void {
    super.rejectWaiters(error);
    this.#commitLock.rejectWaiters(error);
  }
}

/** The metadata in the form in which ZODB's client sends it: strings as UTF-8 bytes. */
function describe(metadata: TransactionMetadata, commitId: string): Value[] {
  checkObject('metadata', metadata);
  const { user = '', description = '', extension = {} } = metadata;
  checkObject('extension', extension);
  // A copy of anything else would lose properties.
  assertPlainObject(extension);
  const utf8 = (name: string, text: unknown) => {
    if (typeof text === 'string') return new Uint8Array(Buffer.from(text));
    throw invalidArgument(name, 'a string', text);
  };
  return [utf8('user', user), utf8('description', description), { ...extension, [commitIdKey]: commitId }];
}
