import { KeepAliveError } from '../../errors.js';
import { formatId, isLater } from '../ids.js';
import type { Value } from '../protocol/values.js';
import { CommitLock } from './commit-lock.js';
import { InvalidationQueue, type Invalidations } from './invalidation-queue.js';
import { oidNumber, oidOf } from './oid.js';
import type { Operation, TransactionMeta } from './pending-transaction.js';
import { conflictError, posKeyError, readConflictError, transactionError } from './python-errors.js';
import { type LoadedRevision, Revisions } from './revisions.js';
import { StorageStats } from './storage-stats.js';
import { nextTid, zeroTid } from './tid.js';

export interface MemoryStorageOptions {
  /** What `get_info` calls it. Default `MemoryStorage`. */
  readonly name?: string;
  /** How many transactions back a returning client can be brought up to date. Default 100. */
  readonly invalidationQueueSize?: number;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** A new state of an object. */
export interface Change {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The record: ZODB's two pickles, or any bytes where no ZODB reads them. */
  readonly data: Uint8Array;
}

/** Someone who is told of every transaction that it has not committed itself. */
export interface StorageObserver {
  invalidate(tid: Uint8Array, oids: readonly Uint8Array[]): void;
}

const noMeta: TransactionMeta = { user: new Uint8Array(), description: new Uint8Array(), extension: {} };

/**
 * An object database in memory: every revision of every object, in the order of transactions.
 *
 * It belongs to no server: hand it to the next one, or to two at once.
 *
 * @example
 * const tid = server.storage('1').commit([{ oid: new Uint8Array(8), data: Buffer.from('hello') }]);
 */
export class MemoryStorage {
  readonly name: string;
  readonly stats: StorageStats;
  readonly commitLock: CommitLock;
  readonly #objects = new Map<string, Revisions>();
  readonly #transactions: { readonly tid: Uint8Array; readonly meta: TransactionMeta }[] = [];
  readonly #invalidations: InvalidationQueue;
  readonly #observers = new Set<StorageObserver>();
  readonly #now: () => number;
  #lastTransaction: Uint8Array = zeroTid;
  #lastOid = 0n;
  #size = 0;

  constructor(options: MemoryStorageOptions = {}) {
    this.name = options.name ?? 'MemoryStorage';
    this.#now = options.now ?? Date.now;
    this.stats = new StorageStats(this.#now());
    this.commitLock = new CommitLock(this.#now);
    this.#invalidations = new InvalidationQueue(options.invalidationQueueSize ?? 100, zeroTid);
  }

  /** The id of the last transaction, 8 bytes; zero before the first. */
  get lastTransaction(): Uint8Array {
    return this.#lastTransaction;
  }

  /** How many objects there are. */
  get length(): number {
    return this.#objects.size;
  }

  /** Roughly how many bytes they take, all revisions. */
  get size(): number {
    return this.#size;
  }

  /** Every transaction so far, oldest first. */
  get transactions(): readonly { readonly tid: Uint8Array; readonly meta: TransactionMeta }[] {
    return this.#transactions;
  }

  /**
   * The revision that was current just before a transaction, or `null` if the object came later.
   *
   * @throws ServerError `POSKeyError` if there is no such object.
   */
  loadBefore(oid: Uint8Array, tid: Uint8Array): LoadedRevision | null {
    return this.#revisions(oid).before(tid);
  }

  /** @throws ServerError `POSKeyError` if that transaction has not written that object. */
  loadSerial(oid: Uint8Array, tid: Uint8Array): Uint8Array {
    const data = this.#revisions(oid).at(tid);
    if (data === undefined) throw posKeyError(oid);
    return data;
  }

  /** The transaction that wrote the current revision. @throws ServerError `POSKeyError` if there is none. */
  getTid(oid: Uint8Array): Uint8Array {
    const serial = this.#revisions(oid).serial;
    if (serial === undefined) throw posKeyError(oid);
    return serial;
  }

  /** What changed after a transaction, or `null` when that is too long ago to know. */
  getInvalidations(tid: Uint8Array): Invalidations | null {
    return this.#invalidations.since(tid);
  }

  /** Object ids that nobody has, or will be given again. */
  newOids(count: number): Uint8Array[] {
    return Array.from({ length: count }, () => {
      this.#lastOid += 1n;
      return oidOf(this.#lastOid);
    });
  }

  /**
   * Writes a transaction from outside, whatever the objects' states are, and tells every client.
   *
   * @returns its id.
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for an oid that has not 8 bytes.
   * @throws ServerError `StorageTransactionError` while a client is between its vote and its end.
   */
  commit(changes: Iterable<Change>, meta: Partial<TransactionMeta> = {}): Uint8Array {
    // That client has been promised that its transaction will succeed.
    if (this.commitLock.isLocked) throw transactionError('A client of the storage is committing');
    const operations = Array.from(changes, ({ oid, data }): Operation => {
      if (oid.byteLength !== 8) throw new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', 'An oid has 8 bytes');
      return { kind: 'store', oid, serial: zeroTid, data };
    });
    return this.write(operations, { ...noMeta, ...meta });
  }

  /**
   * What a vote finds out: whether everything is still as the client saw it.
   *
   * @throws ServerError `ConflictError`, `ReadConflictError` or `POSKeyError`.
   */
  verify(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const { oid, serial } = operation;
      if (operation.kind === 'store') {
        const committed = this.#objects.get(formatId(oid))?.serial;
        if (committed !== undefined && !equal(committed, serial)) {
          throw conflictError(oid, committed, serial, operation.data);
        }
      } else if (!equal(this.getTid(oid), serial)) {
        if (operation.kind === 'check') throw readConflictError(oid, this.getTid(oid), serial);
        throw conflictError(oid, this.getTid(oid), serial, new Uint8Array());
      }
    }
  }

  /**
   * Writes a transaction that was verified, and tells everyone but its author of it.
   *
   * @param demanded the id that it has to have; it must be later than the last one.
   */
  write(
    operations: readonly Operation[],
    meta: TransactionMeta,
    author?: StorageObserver,
    demanded?: Uint8Array | null,
  ): Uint8Array {
    const tid = demanded ? copy(demanded) : nextTid(this.#lastTransaction, this.#now());
    const stored = new Map<string, Operation>();
    // The last one of an object wins; what is kept is a copy, as the client's is a view into a whole frame.
    for (const operation of operations)
      if (operation.kind !== 'check') stored.set(formatId(operation.oid), operation);
    for (const [key, operation] of stored) {
      this.#add(key, copy(operation.oid), tid, operation.kind === 'store' ? copy(operation.data) : null);
    }
    this.#lastTransaction = tid;
    this.#transactions.push({ tid, meta });
    // A deletion is announced to nobody: ZEO's server does not either (StorageServer.py, _delete).
    const changed = [...stored.values()].filter(({ kind }) => kind === 'store').map(({ oid }) => copy(oid));
    this.#invalidations.add(tid, changed);
    for (const observer of [...this.#observers]) if (observer !== author) observer.invalidate(tid, changed);
    return tid;
  }

  /** Whether a transaction may demand this id. */
  accepts(tid: Uint8Array): boolean {
    return isLater(tid, this.#lastTransaction);
  }

  /** Tells someone of every transaction from now on. @returns the way to end it. */
  observe(observer: StorageObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** What `server_status` says. */
  status(): { readonly [key: string]: Value } {
    return this.stats.report({
      connections: this.#observers.size,
      waiting: this.commitLock.waiting,
      lockedSinceMs: this.commitLock.lockedSinceMs,
      lastTransaction: this.#lastTransaction,
    });
  }

  #revisions(oid: Uint8Array): Revisions {
    const revisions = this.#objects.get(formatId(oid));
    if (revisions === undefined) throw posKeyError(oid);
    return revisions;
  }

  #add(key: string, oid: Uint8Array, tid: Uint8Array, data: Uint8Array | null): void {
    let revisions = this.#objects.get(key);
    if (revisions === undefined) {
      revisions = new Revisions(oid);
      this.#objects.set(key, revisions);
      this.#size += 50;
    }
    revisions.add({ tid, data });
    // The bookkeeping of ZODB's MappingStorage: `getSize`.
    this.#size += 100 + (data?.byteLength ?? 0);
    const number = oidNumber(oid);
    if (number > this.#lastOid) this.#lastOid = number;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** `slice` would do for a `Uint8Array`, but shares memory where someone hands a `Buffer` in. */
function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
