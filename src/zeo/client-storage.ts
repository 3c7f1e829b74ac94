import type { SocketPorts } from '../diagnosis.js';
import { ClientDisconnected, ProtocolError } from '../errors.js';
import type { KeepAliveStorage } from '../storage.js';
import { POSKeyError } from '../zodb-errors.js';
import { formatAddress } from './address.js';
import { ClientCache } from './client-cache.js';
import { Freshness } from './freshness.js';
import { checkId, copyId, formatId, isId, maxTid } from './ids.js';
import { InFlight } from './in-flight.js';
import { LoadLock } from './load-lock.js';
import { type ClientStorageOptions, type ResolvedOptions, resolveOptions } from './options.js';
import type { Value } from './protocol/values.js';
import { type PastRevision, type Revision, readRevision } from './revision.js';
import { type Announce, StorageEvents } from './storage-events.js';
import { checkDict, readStorageInfo, type StorageInfo } from './storage-info.js';
import { Supervisor } from './supervisor.js';
import { readTarget } from './uri.js';

const noArgs: readonly Value[] = [];

/**
 * A client of one storage of a ZEO server, version 5 or 6 (`ZEO/ClientStorage.py`), without a cache and, so far,
 * without writing.
 *
 * It reconnects by itself for as long as it is open; its events tell what happens. Calls made while there is no
 * connection wait up to `waitTimeout` for one; a call whose connection is lost rejects with a
 * {@link ClientDisconnected} and may be repeated. Every call of the server takes a signal and rejects with its reason;
 * `open` has `waitTimeout` instead.
 *
 * An open storage holds the process, connected or not: `close()` it.
 *
 * @example
 * await using storage = await ClientStorage.open('zeo://localhost:8100?storage=1&wait_timeout=5');
 * storage.on('invalidated', ({ oids }) => cache.forget(oids));
 * const { data } = await storage.load(new Uint8Array(8));
 */
export class ClientStorage extends StorageEvents implements KeepAliveStorage, AsyncDisposable {
  readonly loadLock = new LoadLock();
  readonly #options: ResolvedOptions;
  readonly #freshness: Freshness;
  readonly #supervisor: Supervisor;
  readonly #loads = new InFlight<PastRevision | null>();

  /**
   * Opens a storage, and waits for its server unless told otherwise (`wait: false`).
   *
   * @param options or a `zeo://` URI, or an address as text
   * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`, `ERR_ZEO_INVALID_ARGUMENT`; at once what will not change by
   *   waiting: `ERR_ZEO_UNKNOWN_STORAGE`, `ERR_ZEO_READ_ONLY`, `ERR_ZEO_NOT_ZEO`, `ERR_ZEO_PROTOCOL_VERSION`,
   *   `ERR_ZEO_FRAME_TOO_LARGE`, `ERR_ZEO_PROTOCOL`; ClientDisconnected `ERR_ZEO_WAIT_TIMEOUT`, whose `cause` is
   *   the last failure. Nothing is left open then.
   */
  static async open(options: ClientStorageOptions | string): Promise<ClientStorage> {
    const given = typeof options === 'string' ? readTarget(options) : options;
    const storage = new ClientStorage(resolveOptions(given));
    storage.#supervisor.start();
    if (!storage.#options.wait) return storage;
    try {
      await storage.#supervisor.whenFirstReady();
      return storage;
    } catch (error) {
      await storage.close();
      throw error;
    }
  }

  private constructor(options: ResolvedOptions) {
    super();
    this.#options = options;
    const announce: Announce = (name, ...args) => this.announce(name, ...args);
    this.#freshness = new Freshness(new ClientCache(0), announce);
    this.#supervisor = new Supervisor(options, this.#freshness, announce);
  }

  /** The `name` option, or else the addresses and the storage as configured: `127.0.0.1:8100/1`. Never changes. */
  getName(): string {
    const { name, addresses, storage } = this.#options;
    return name ?? `${addresses.map(formatAddress).join(',')}/${storage}`;
  }

  /** Whether it is connected and serves calls. */
  get ready(): boolean {
    return this.#supervisor.connection !== undefined;
  }

  /** The same as `ready`. */
  isConnected(): boolean {
    return this.ready;
  }

  /** How many connections there were, the present one included. 0 before the first. */
  get generation(): number {
    return this.#supervisor.generation;
  }

  /** When the last byte came on the present connection, in milliseconds of `performance.now()`. */
  get lastReceivedAt(): number | undefined {
    return this.#supervisor.connection?.lastReceivedAt;
  }

  /** The ports of the present connection; `undefined` for a unix domain socket. */
  get socketPorts(): SocketPorts | undefined {
    return this.#supervisor.connection?.ports;
  }

  /** Why there is no connection, or why the last attempt to get one failed; `undefined` while there is one. */
  get lastError(): Error | undefined {
    return this.#supervisor.lastError;
  }

  /** The server that it is connected to. */
  get address(): string | undefined {
    return this.#supervisor.connection?.address;
  }

  /** Whether the connection, or else the last one, cannot write: asked for, or a read-only fallback. */
  isReadOnly(): boolean {
    return this.#supervisor.readOnly;
  }

  /**
   * What the server said of its storage when the connection began, when {@link getInfo} asked, or by itself, as
   * after a pack. `undefined` before the first connection.
   */
  get info(): StorageInfo | undefined {
    return this.#freshness.info;
  }

  /**
   * The last transaction that this client knows of, without asking the server, as ZEO's own client answers it.
   * `undefined` before the first connection. What it changed has been told as `invalidated`.
   */
  lastTransaction(): Uint8Array | undefined {
    const { lastTid } = this.#freshness;
    return lastTid && copyId(lastTid);
  }

  /** Asks the server for its last transaction. Does not change what {@link lastTransaction} answers. */
  async fetchLastTransaction(signal?: AbortSignal): Promise<Uint8Array> {
    const tid = await this.#call('lastTransaction', noArgs, signal);
    if (!isId(tid))
      throw new ProtocolError('The server answered lastTransaction with something that is no id');
    return copyId(tid);
  }

  /** Asks the server about its storage. */
  async getInfo(signal?: AbortSignal): Promise<StorageInfo> {
    const info = readStorageInfo(await this.#call('get_info', noArgs, signal));
    this.#freshness.info = info;
    return info;
  }

  /** The server's statistics on its storage: connections, loads, stores, lock times … */
  async serverStatus(signal?: AbortSignal): Promise<{ readonly [key: string]: Value }> {
    return checkDict('server_status', await this.#call('server_status', noArgs, signal));
  }

  /**
   * One round trip, as the `pingMethod` option has it. It never waits for a connection, and the reply counts for
   * having come: `info` is not changed by it.
   *
   * @throws ClientDisconnected when there is none, or it is lost
   */
  async ping(signal?: AbortSignal): Promise<void> {
    const { connection, closed } = this.#supervisor;
    if (connection === undefined) throw closed ?? new ClientDisconnected('There is no connection to ping');
    await connection.probe(this.#options.pingMethod, noArgs, signal);
  }

  /**
   * The current revision of an object.
   *
   * @throws ServerError `ERR_ZEO_POS_KEY` when there is no such object
   */
  async load(oid: Uint8Array, signal?: AbortSignal): Promise<Revision> {
    const revision = await this.loadBefore(oid, maxTid, signal);
    if (revision === null) throw new POSKeyError([copyId(oid)]);
    const { data, serial } = revision;
    return { data, serial };
  }

  /**
   * The revision of an object that was current just before a transaction; `null` when it did not exist then.
   * Equal requests in flight are one request.
   *
   * @throws ServerError `ERR_ZEO_POS_KEY` when there is no such object
   */
  async loadBefore(oid: Uint8Array, tid: Uint8Array, signal?: AbortSignal): Promise<PastRevision | null> {
    // Copied: the caller may reuse its buffers while the request waits for a connection or the lock.
    const ids = [copyId(checkId('oid', oid)), copyId(checkId('tid', tid))];
    return this.#loads.join(
      ids.map(formatId).join(),
      (abandoned) => this.#loadBefore(ids, abandoned),
      signal,
    );
  }

  /**
   * Destroys the connection at once if it is still the one of `generation`: every pending call rejects with a
   * ClientDisconnected caused by `error`, and a new connection is sought. Does nothing while there is none.
   */
  drop(error: Error, generation: number): void {
    this.#supervisor.drop(error, generation);
  }

  /** Closes it for good: what is pending or comes later rejects with `ERR_ZEO_CLOSED`. May be called again. */
  async close(): Promise<void> {
    const isFirst = this.#supervisor.closed === undefined;
    const closing = this.#supervisor.close();
    const { closed } = this.#supervisor;
    if (closed !== undefined) this.loadLock.rejectWaiters(closed);
    if (isFirst) this.announce('closed');
    await closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call(method: string, args: readonly Value[], signal: AbortSignal | undefined): Promise<Value> {
    const connection = this.#supervisor.connection ?? (await this.#supervisor.whenReady(signal));
    return connection.call(method, args, signal);
  }

  async #loadBefore(
    ids: readonly Uint8Array[],
    signal: AbortSignal | undefined,
  ): Promise<PastRevision | null> {
    for (;;) {
      // Not with the lock: waiting for a server takes longer than any ping may be kept waiting.
      await this.#supervisor.whenReady(signal);
      const release = await this.loadLock.share(signal);
      try {
        // Lost while a ping had the lock: that ping is why.
        const { connection } = this.#supervisor;
        if (connection !== undefined) return readRevision(await connection.call('loadBefore', ids, signal));
      } finally {
        release();
      }
    }
  }
}
