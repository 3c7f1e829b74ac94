import { startDeadline } from '../../async/deadline.js';
import { KeepAliveError } from '../../model/errors.js';
import { entriesOf, typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import type { MemoryStorage } from '../memory-storage/memory-storage.js';
import { readOnlyError, transactionError, typeError, valueError } from '../memory-storage/python-errors.js';
import type { StorageObserver, StorageSize } from '../memory-storage/storage-observer.js';
import { ClientIterators } from './client-iterators.js';
import type { PendingTransaction } from './pending-transaction.js';

/** What all clients of a server share. */
export interface Served {
  readonly storages: ReadonlyMap<string, MemoryStorage>;
  /** Refuses whoever registers to write from now on. */
  readonly readOnly: boolean;
  /** Conflicts are for the clients to settle, and not for the storage. */
  readonly clientConflictResolution: boolean;
  /** How much one transaction may bring. */
  readonly maxTransactionBytes: number;
  /** For how long a transaction may have the commit lock after its vote, in milliseconds; absent: for any time. */
  readonly transactionTimeoutMs?: number | undefined;
}

/** The way to the client for what it has not asked for. */
export interface Peer {
  oneWay(method: string, args: readonly Value[]): void;
  /** Ends its connection. */
  destroy(error: Error): void;
}

/**
 * What the server knows of one client: the storage that it registered for and the transaction that it is in.
 *
 * Source: ZEO/StorageServer.py, `ZEOStorage`.
 */
export class ClientState implements StorageObserver {
  readonly served: Served;
  readonly peer: Peer;
  /** What the client calls itself (`set_client_label`). */
  label: string | undefined;
  transaction: PendingTransaction | undefined;
  readonly iterators = new ClientIterators();
  #readOnly = false;
  #storage: MemoryStorage | undefined;
  #storageId: string | undefined;
  #unobserve: (() => void) | undefined;
  #endTimeout: (() => void) | undefined;

  constructor(served: Served, peer: Peer) {
    this.served = served;
    this.peer = peer;
  }

  get isRegistered(): boolean {
    return this.#storage !== undefined;
  }

  get storageId(): string | undefined {
    return this.#storageId;
  }

  get readOnly(): boolean {
    return this.#readOnly;
  }

  /** Only for methods that are called after the registration: the dispatcher sees to that. */
  get storage(): MemoryStorage {
    if (this.#storage === undefined) throw valueError('not registered');
    return this.#storage;
  }

  /**
   * Chooses the storage, once. A client that was refused may try again, e.g. read-only.
   *
   * @returns the storage's last transaction.
   * @throws ServerError `ValueError` for an unknown storage, `ReadOnlyError` for a writer of a read-only server.
   */
  register(storageId: Value, readOnly: boolean): Uint8Array {
    if (entriesOf(storageId) !== undefined) throw typeError(`unhashable type: '${typeName(storageId)}'`);
    const name = typeof storageId === 'string' ? storageId : `of type ${typeName(storageId)}`;
    const storage = typeof storageId === 'string' ? this.served.storages.get(storageId) : undefined;
    if (storage === undefined) throw valueError(`unknown storage: ${name}`);
    if (!readOnly && this.served.readOnly) throw readOnlyError();
    this.#readOnly = readOnly;
    this.#storage = storage;
    this.#storageId = name;
    this.#unobserve = storage.observe(this);
    return storage.lastTransaction;
  }

  invalidate(tid: Uint8Array, oids: readonly Uint8Array[]): void {
    this.peer.oneWay('invalidateTransaction', [tid, oids]);
  }

  resized({ length, size }: StorageSize): void {
    this.peer.oneWay('info', [{ length, size }]);
  }

  /** @throws ServerError `ReadOnlyError` if this client may only read. */
  assertWritable(): void {
    if (this.#readOnly) throw readOnlyError();
  }

  /**
   * The transaction that the client means.
   *
   * @throws ServerError `StorageTransactionError` if it is not the one that it is in.
   */
  current(id: Value): PendingTransaction {
    this.assertWritable();
    const transaction = this.transaction;
    if (transaction === undefined || !transaction.is(id))
      throw transactionError(transaction?.start.id ?? null, id);
    return transaction;
  }

  /**
   * The transaction has been voted on: unless it is finished or aborted in time the client is dropped, and the lock goes to
   * the next one. (ZEO's own server, up to 6.2, drops the client and keeps the lock for good.)
   */
  expectFinish(): void {
    const { transactionTimeoutMs } = this.served;
    if (transactionTimeoutMs === undefined) return;
    const message = `The transaction was not finished within ${transactionTimeoutMs / 1000} s of its vote`;
    this.#endTimeout = startDeadline(
      transactionTimeoutMs,
      () => this.peer.destroy(new KeepAliveError('ERR_ZEO_DISCONNECTED', message)),
      false,
    );
  }

  /** Forgets the transaction, and lets the next committer in. */
  endTransaction(): void {
    if (this.transaction === undefined) return;
    this.#endTimeout?.();
    this.#endTimeout = undefined;
    this.transaction = undefined;
    this.storage.stats.activeTransactions -= 1;
    this.storage.commitLock.release(this);
  }

  /** The connection is gone: its transaction is aborted. */
  disconnected(): void {
    this.#unobserve?.();
    if (this.transaction !== undefined) this.storage.stats.aborts += 1;
    this.endTransaction();
  }
}
