import { KeepAliveError } from '../../model/errors.js';
import type { ConflictResolver } from '../../zodb/conflict.js';
import { copyId, isId, isLater, oidNumber, oidOf } from '../../zodb/ids.js';
import { nextTid, tidAt, zeroTid } from '../../zodb/tid.js';
import type { Value } from '../encoding/values.js';
import { CommitLock } from './commit-lock.js';
import { InvalidationQueue, type Invalidations } from './invalidation-queue.js';
import type { MemoryStorageOptions } from './memory-storage-options.js';
import { ObjectTable } from './object-table.js';
import type { Operation } from './operation.js';
import { pack, type ReferencesOf } from './packing.js';
import { posKeyError, transactionError } from './python-errors.js';
import type { LoadedRevision, ObjectRevision } from './revisions.js';
import { type Resolution, StagedTransaction } from './staged-transaction.js';
import type { StorageObserver } from './storage-observer.js';
import { StorageStats } from './storage-stats.js';
import {
  type LoggedTransaction,
  TransactionLog,
  type TransactionMeta,
  type TransactionStatus,
} from './transaction-log.js';
import { systemWallClock } from './wall-clock.js';

/** A new state of an object. */
export interface Change {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The record: ZODB's two pickles, or any bytes if no ZODB reads it; `null` deletes the object. */
  readonly data: Uint8Array | null;
}

/** How to write a transaction. */
interface WriteOptions {
  readonly meta?: Partial<TransactionMeta>;
  /** Its id, which must be later than the last one. */
  readonly tid?: Uint8Array | null;
  readonly status?: TransactionStatus;
  /** The observer that is not notified. */
  readonly author?: StorageObserver;
}

const noMeta: TransactionMeta = { user: new Uint8Array(), description: new Uint8Array(), extension: {} };

/**
 * An object database in memory: every revision of every object, in the order of transactions.
 *
 * It does not belong to a server: pass it on to the next one, or to two at once.
 *
 * @example
 * const tid = server.storage('1').commit([{ oid: new Uint8Array(8), data: Buffer.from('hello') }]);
 */
export class MemoryStorage {
  readonly name: string;
  readonly stats: StorageStats;
  readonly commitLock: CommitLock;
  /** Resolves conflicts from now on; `undefined`: each is an error. */
  resolveConflict: ConflictResolver | undefined;
  readonly #objects = new ObjectTable();
  readonly #log = new TransactionLog();
  readonly #invalidations: InvalidationQueue;
  readonly #observers = new Set<StorageObserver>();
  readonly #referencesOf: ReferencesOf | undefined;
  readonly #now: () => number;
  #lastTransaction: Uint8Array = zeroTid;
  #lastOid = 0n;

  constructor(options: MemoryStorageOptions = {}) {
    this.name = options.name ?? 'MemoryStorage';
    this.resolveConflict = options.resolveConflict;
    this.#referencesOf = options.referencesOf;
    this.#now = options.now ?? systemWallClock;
    this.stats = new StorageStats(this.#now());
    this.commitLock = new CommitLock(this.#now);
    this.#invalidations = new InvalidationQueue(options.invalidationQueueSize ?? 100, zeroTid);
  }

  /** The id of the last transaction, 8 bytes; zero before the first. */
  get lastTransaction(): Uint8Array {
    return this.#lastTransaction;
  }

  /** The number of objects. */
  get length(): number {
    return this.#objects.length;
  }

  /** The approximate size of all revisions, in bytes. */
  get size(): number {
    return this.#objects.size;
  }

  /** All transactions that have not been packed away, oldest first. */
  get transactions(): readonly LoggedTransaction[] {
    return this.#log.all;
  }

  /** The transactions between two ids, both included; by default all present ones. */
  iterate(
    start: Uint8Array = zeroTid,
    stop: Uint8Array = this.#lastTransaction,
  ): Iterator<LoggedTransaction> {
    return this.#log.between(start, stop);
  }

  /** The current revisions of the objects from an oid on, in the order of their oids. */
  records(from?: Uint8Array): Iterable<ObjectRevision> {
    return this.#objects.currentFrom(from);
  }

  /**
   * The revision that was current just before a transaction, or `null` if the object came later.
   *
   * @throws ServerError `POSKeyError` if there is no such object.
   */
  loadBefore(oid: Uint8Array, tid: Uint8Array): LoadedRevision | null {
    return this.#objects.get(oid).before(tid);
  }

  /** @throws ServerError `POSKeyError` if that transaction did not write that object. */
  loadSerial(oid: Uint8Array, tid: Uint8Array): Uint8Array {
    const data = this.#objects.get(oid).at(tid)?.data ?? null;
    if (data === null) throw posKeyError(oid);
    return data;
  }

  /** The transaction that wrote the current revision. @throws ServerError `POSKeyError` if there is none. */
  getTid(oid: Uint8Array): Uint8Array {
    return this.#objects.getCurrent(oid).tid;
  }

  /** The last revisions of an object, newest first. @throws ServerError `POSKeyError` if there is no such object. */
  history(
    oid: Uint8Array,
    count: number,
  ): readonly { revision: ObjectRevision; transaction: LoggedTransaction }[] {
    const { all } = this.#objects.get(oid);
    const wanted = count > 0 ? all.slice(-count).reverse() : [];
    return wanted.flatMap((revision) => {
      const transaction = this.#log.find(revision.tid);
      return transaction === undefined ? [] : [{ revision, transaction }];
    });
  }

  /** What changed after a transaction, or `null` if that is too long ago. */
  getInvalidations(tid: Uint8Array): Invalidations | null {
    return this.#invalidations.since(tid);
  }

  /** Unused object ids, each handed out once. */
  newOids(count: number): Uint8Array[] {
    return Array.from({ length: count }, () => {
      this.#lastOid += 1n;
      return oidOf(this.#lastOid);
    });
  }

  /**
   * Writes a transaction of its own, whatever the objects' states are, and notifies all clients.
   *
   * @returns its id.
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for an oid of other than 8 bytes.
   * @throws ServerError `StorageTransactionError` while a client is between its vote and its end, `POSKeyError` for
   * the deletion of a missing object.
   */
  commit(changes: Iterable<Change>, meta: Partial<TransactionMeta> = {}): Uint8Array {
    const operations = Array.from(changes, ({ oid, data }): Operation => {
      if (!isId(oid)) throw new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', 'An oid has 8 bytes');
      const serial = this.#objects.find(oid)?.newest?.tid ?? zeroTid;
      return data === null ? { kind: 'delete', oid, serial } : { kind: 'store', oid, serial, data };
    });
    return this.#commit(operations, meta);
  }

  /**
   * Undoes a transaction by a new one, and notifies all clients.
   *
   * @returns the new one's id.
   * @throws ServerError `UndoError`, or `MultipleUndoErrors`, if later changes conflict, or it was packed;
   * `StorageTransactionError` while a client is between its vote and its end.
   */
  undo(tid: Uint8Array, meta: Partial<TransactionMeta> = {}): Uint8Array {
    return this.#commit([{ kind: 'undo', tid }], meta);
  }

  /**
   * Removes revisions that were not current at a moment, and with `referencesOf` objects without references.
   *
   * @param time milliseconds since 1970. Default: now.
   * @throws ServerError `POSKeyError` for a reference to a missing object.
   */
  pack(time: number = this.#now()): void {
    if (!pack(this.#objects, this.#log, tidAt(time), this.#referencesOf)) return;
    for (const observer of [...this.#observers]) observer.resized({ length: this.length, size: this.size });
  }

  /**
   * Checks a transaction against the current revisions, and prepares what it will write.
   *
   * @throws ServerError `ConflictError`, `ReadConflictError`, `POSKeyError` or `UndoError`.
   */
  stage(operations: Iterable<Operation>, resolution: Resolution = this.resolveConflict): StagedTransaction {
    const staged = new StagedTransaction(this.#objects, this.#log, resolution);
    for (const operation of operations) staged.perform(operation);
    return staged;
  }

  /** Writes a transaction that was staged after the last write, and notifies all but its author. */
  write(
    staged: StagedTransaction,
    { meta, tid: demanded, status = ' ', author }: WriteOptions = {},
  ): Uint8Array {
    const tid = demanded ? copyId(demanded) : nextTid(this.#lastTransaction, this.#now());
    const records = Array.from(staged.revisions, (revision): ObjectRevision => ({ ...revision, tid }));
    for (const record of records) this.#add(record);
    this.#lastTransaction = tid;
    this.#log.add({ tid, status, meta: { ...noMeta, ...meta }, records });
    const { changed } = staged;
    this.#invalidations.add(tid, changed);
    for (const observer of [...this.#observers]) if (observer !== author) observer.invalidate(tid, changed);
    return tid;
  }

  /** Whether a transaction may have this id. */
  accepts(tid: Uint8Array): boolean {
    return isLater(tid, this.#lastTransaction);
  }

  /** Notifies an observer of each transaction from now on. @returns a function that ends it */
  observe(observer: StorageObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** The answer to `server_status`. */
  status(hasTimeout = false): { readonly [key: string]: Value } {
    return this.stats.report({
      hasTimeout,
      connections: this.#observers.size,
      waiting: this.commitLock.waiting,
      lockedSinceMs: this.commitLock.lockedSinceMs,
      lastTransaction: this.#lastTransaction,
    });
  }

  #commit(operations: readonly Operation[], meta: Partial<TransactionMeta>): Uint8Array {
    // The vote has promised that client that its transaction will succeed.
    if (this.commitLock.isLocked) throw transactionError('A client of the storage is committing');
    return this.write(this.stage(operations), { meta });
  }

  #add(revision: ObjectRevision): void {
    this.#objects.add(revision);
    const number = oidNumber(revision.oid);
    if (number > this.#lastOid) this.#lastOid = number;
  }
}
