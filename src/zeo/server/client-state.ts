import { startDeadline } from '../../async/deadline.js';
import { KeepAliveError } from '../../model/errors.js';
import { entriesOf, typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import type { MemoryStorage } from '../memory-storage/memory-storage.js';
import { readOnlyError, transactionError, typeError, valueError } from '../memory-storage/python-errors.js';
import type { StorageObserver, StorageSize } from '../memory-storage/storage-observer.js';
import { ClientIterators } from './client-iterators.js';
import type { PendingTransaction } from './pending-transaction.js';

/** The state shared by all clients of a server. */
export interface Served {
  readonly storages: ReadonlyMap<string, MemoryStorage>;
  /** Refuses clients that register to write from now on. */
  readonly readOnly: boolean;
  /** Leaves conflicts to the clients instead of the storage. */
  readonly clientConflictResolution: boolean;
  /** Maximum size of one transaction. */
  readonly maxTransactionBytes: number;
  /** How long a transaction may hold the commit lock after its vote; absent: no limit. */
  readonly transactionTimeoutMs?: number | undefined;
}

/** Sends a client what it did not ask for. */
export interface Peer {
  oneWay(method: string, args: readonly Value[]): void;
  /** Ends its connection. */
  destroy(error: Error): void;
}

/**
 * The server's state for one client: the storage that it registered for and its transaction.
 *
 * Source: ZEO/StorageServer.py, `ZEOStorage`.
 */
export class ClientState implements StorageObserver {
  readonly served: Served;
  readonly peer: Peer;
  /** The client's name for itself (`set_client_label`). */
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

  /** For methods after the registration only, as the dispatcher ensures. */
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
   * The client's transaction, which has to be the one that the call names.
   *
   * @throws ServerError `StorageTransactionError` for another one, or none.
   */
  current(id: Value): PendingTransaction {
    this.assertWritable();
    const transaction = this.transaction;
    if (transaction === undefined || !transaction.is(id))
      throw transactionError(transaction?.start.id ?? null, id);
    return transaction;
  }

  /**
   * Starts the transaction timeout after a vote: a client that neither finishes nor aborts in time is dropped, and the lock
   * goes to the next one. (ZEO's own server, up to 6.2, drops the client and keeps the lock forever.)
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

  /** Forgets the transaction and releases the commit lock. */
  endTransaction(): void {
    if (this.transaction === undefined) return;
    this.#endTimeout?.();
    this.#endTimeout = undefined;
    this.transaction = undefined;
    this.storage.stats.activeTransactions -= 1;
    this.storage.commitLock.release(this);
  }

  /** Aborts the transaction of a connection that has closed. */
  disconnected(): void {
    this.#unobserve?.();
    if (this.transaction !== undefined) this.storage.stats.aborts += 1;
    this.endTransaction();
  }
}
