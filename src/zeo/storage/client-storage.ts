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

/** What a transaction says of itself; it can be read in the undo log and the history. */
export interface TransactionMetadata {
  readonly user?: string | undefined;
  readonly description?: string | undefined;
  /**
   * What else is to be said, by name: a plain object. `zeo_commit_id` is added, a random text by which `outcomeOf` finds
   * the transaction again; whoever reads the extension of one of this client's transactions sees it.
   */
  readonly extension?: { readonly [name: string]: Value } | undefined;
}

/** The name in a transaction's extension under which it can be found again. */
const commitIdKey = 'zeo_commit_id';

/**
 * A client of one storage of a ZEO server, version 5 or 6 (`ZEO/ClientStorage.py`), without blobs.
 *
 * It reconnects by itself for as long as it is open; its events tell what happens. Calls made while there is no
 * connection wait up to `waitTimeout` for one; a call whose connection is lost rejects with a
 * {@link ClientDisconnected} and may be repeated. Every call of the server takes a signal and rejects with its reason;
 * `open` has `waitTimeout` instead.
 *
 * Object and transaction ids are `Uint8Array`s of 8 bytes, those of transactions up to `maxTid`; `formatId`, `parseId`,
 * `idToBigInt` and `idFromBigInt` convert them. They are read when a call is made, not when it is sent. What is of another
 * shape is refused with `ERR_ZEO_INVALID_ARGUMENT`, and nothing is sent.
 *
 * Exceptions of the server are errors under ZODB's names ({@link POSKeyError}, {@link ConflictError} …), or else a
 * {@link ServerError} with class name and arguments. An answer that cannot be understood is a {@link ProtocolError}, and
 * the connection goes on where that is possible.
 *
 * An open storage holds the process, connected or not: `close()` it.
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
  readonly #oids = new OidPool();
  #transactions = 0;

  /**
   * Opens a storage, and waits for its server unless told otherwise (`wait: false`).
   *
   * @param options or a `zeo://` URI, or an address as text
   * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`, `ERR_ZEO_INVALID_ARGUMENT`; at once what will not change by
   *   waiting: `ERR_ZEO_UNKNOWN_STORAGE`, `ERR_ZEO_READ_ONLY`, `ERR_ZEO_NOT_ZEO`, `ERR_ZEO_PROTOCOL_VERSION`,
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
   * An id for a new object, 8 bytes, that this client alone has. The server gives a hundred at a time.
   *
   * @throws ReadOnlyError; ClientDisconnected; `signal.reason`
   */
  async newOid(signal?: AbortSignal): Promise<Uint8Array> {
    checkSignal(signal);
    const connection = await this.supervisor.whenReady(signal);
    if (this.isReadOnly()) throw new ReadOnlyError();
    return this.#oids.take(connection, signal);
  }

  /**
   * Begins a two-phase commit. A storage has one at a time: it waits until the one before has ended.
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
   * A whole transaction: begins it, lets `work` store in it, votes, and finishes it. Whatever goes wrong, it is aborted.
   *
   * With a signal it rejects at once when that aborts, while `work` runs, too, whose later calls are then refused; the next
   * transaction begins when the server has answered `tpc_abort`. What is being finished can no longer be called off.
   *
   * @returns the transaction's id, 8 bytes
   * @throws what `work` throws, and as {@link tpcBegin}, `tpcVote` and `tpcFinish` do; `signal.reason`
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
      // Who calls it off does not wait for the server's answer; the commit lock does.
      await unlessAborted(transaction[Symbol.asyncDispose](), signal).catch(() => {});
      throw error;
    }
  }

  /**
   * What became of a transaction whose outcome was not known. To be certain, it takes the server's commit lock for a
   * moment: then the transaction has been finished, or never will be. Should the server still hold the lost connection
   * for open, that takes until it notices.
   *
   * A pack removes transactions all of whose records were replaced or are referred to no more. So ask before the next
   * one: that a transaction is not there proves something only while `since` is there and not marked as packed. Not noticed
   * is a pack of a `DemoStorage` whose base has `since`, and one without garbage collection that has emptied a storage which
   * was empty before the transaction.
   *
   * @param unknown the error of `tpcFinish`, or what was kept of it
   * @returns the transaction's id, 8 bytes; `undefined` when it was not committed and never will be, or has stored
   *   nothing: some storages do not keep such a one
   * @throws KeepAliveError `ERR_ZEO_OUTCOME_LOST` when it is not there, and may have been packed away; of a storage
   *   without undo (`info.supportsUndo`) always when it is not there, because it need not mark what is packed.
   *   ReadOnlyError, because a server that does not write cannot know; ClientDisconnected; ServerError where the
   *   server's storage cannot iterate; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
   */
  async outcomeOf(unknown: UnknownOutcome, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const { commitId, since } = checkOutcome(unknown);
    await this.#passCommitLock(signal);
    // What others commit from now on does not matter, and must not wait for this.
    const stop = await this.fetchLastTransaction(signal);
    const start = isLater(stop, since) ? idFromBigInt(idToBigInt(since) + 1n) : undefined;
    if (start !== undefined)
      for await (const { tid, extension } of this.iterator(start, stop, signal))
        if (extension[commitIdKey] === commitId) return copyId(tid);
    // Asked last: the storage may have been packed while it was looked for.
    if (await this.#isUnpackedAfter(since, signal)) return undefined;
    throw new KeepAliveError(
      'ERR_ZEO_OUTCOME_LOST',
      'Whether the transaction was committed can no longer be known: it may have been packed away',
    );
  }

  /**
   * Removes revisions that were replaced before a time, and objects that nothing refers to. A read-only connection may,
   * too.
   *
   * @param options `before`: that time, default now. `wait`: whether to wait until it is done, default `true`; it may take
   *   hours.
   * @throws ServerError what the server's storage says, as that it is being packed already
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
   * Whether no pack can have removed anything that came after a transaction. What a pack leaves of the time up to its own it
   * marks, because that can be undone no more (`ZODB/FileStorage/fspack.py: copyDataRecords`); and what is after a
   * transaction without a mark is after that time. Where there was none yet, the first one tells: of the time before it,
   * a pack would have left the root object.
   */
  async #isUnpackedAfter(since: Uint8Array, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.info?.supportsUndo !== true) return false;
    const wasEmpty = compareIds(since, zeroId) === 0;
    for await (const { tid, status } of this.iterator(since, undefined, signal))
      return status === ' ' && (wasEmpty || compareIds(tid, since) === 0);
    return wasEmpty;
  }

  /** Whoever had the server's commit lock before has finished its transaction, or never will. */
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

/** The metadata as ZODB's client sends them: text as bytes. */
function describe(metadata: TransactionMetadata, commitId: string): Value[] {
  checkObject('metadata', metadata);
  const { user = '', description = '', extension = {} } = metadata;
  checkObject('extension', extension);
  // Of anything else a copy would be empty, or lack something.
  assertPlainObject(extension);
  const utf8 = (name: string, text: unknown) => {
    if (typeof text === 'string') return new Uint8Array(Buffer.from(text));
    throw invalidArgument(name, 'a text', text);
  };
  return [utf8('user', user), utf8('description', description), { ...extension, [commitIdKey]: commitId }];
}
