import { LoadLock } from '../../async/load-lock.js';
import { ClientDisconnected } from '../../model/errors.js';
import { checkSignal } from '../../model/invalid-argument.js';
import type { KeepAliveTarget, Outgoing } from '../../model/target.js';
import type { SocketPorts } from '../../tcp/diagnosis.js';
import { type AddressLike, formatAddress, parseAddresses } from '../connection/address.js';
import type { ResolvedOptions } from '../connection/options.js';
import { checkDict, readStorageInfo, type StorageInfo } from '../connection/storage-info.js';
import type { Value } from '../encoding/values.js';
import { type Announce, StorageEvents } from '../reconnect/storage-events.js';
import { Supervisor } from '../reconnect/supervisor.js';
import { ClientCache } from './client-cache.js';
import { Freshness } from './freshness.js';

const noArgs: readonly Value[] = [];

/** The part of a `ClientStorage` that concerns its connection: the agent's view of it, reconnecting, and closing. */
export abstract class ConnectedStorage extends StorageEvents implements KeepAliveTarget, AsyncDisposable {
  readonly loadLock = new LoadLock();
  protected readonly freshness: Freshness;
  protected readonly supervisor: Supervisor;
  readonly #options: ResolvedOptions;

  protected constructor(options: ResolvedOptions) {
    super();
    const announce: Announce = (name, ...args) => this.announce(name, ...args);
    this.#options = options;
    this.freshness = new Freshness(new ClientCache(options.cacheBytes), announce);
    this.supervisor = new Supervisor(options, this.freshness, announce);
  }

  /** The `name` option, or else the addresses and the storage as configured: `127.0.0.1:8100/1`. Never changes. */
  getName(): string {
    const { name, addresses, storage } = this.#options;
    return name ?? `${addresses.map(formatAddress).join(',')}/${storage}`;
  }

  /** Whether it is connected and ready for calls. */
  get ready(): boolean {
    return this.supervisor.connection !== undefined;
  }

  /** The load lock: the agent pings while no load is in flight. */
  get lock(): LoadLock {
    return this.loadLock;
  }

  /** The same as `ready`. */
  isConnected(): boolean {
    return this.ready;
  }

  /** Number of connections so far, the current one included. 0 before the first. */
  get generation(): number {
    return this.supervisor.generation;
  }

  /** When the last byte was received on the current connection, in milliseconds of `performance.now()`. */
  get lastReceivedAt(): number | undefined {
    return this.supervisor.connection?.lastReceivedAt;
  }

  /** What was written to the current connection. */
  get outgoing(): Outgoing | undefined {
    return this.supervisor.connection?.outgoing;
  }

  /** The ports of the current connection; `undefined` for a unix domain socket. */
  get socketPorts(): SocketPorts | undefined {
    return this.supervisor.connection?.ports;
  }

  /** Why the connection was lost, or why the last attempt to connect failed; `undefined` while connected. */
  get lastError(): Error | undefined {
    return this.supervisor.lastError;
  }

  /**
   * When the last connection was lost, in milliseconds of `performance.now()`; `undefined` while connected, and before the
   * first connection.
   */
  get lostAt(): number | undefined {
    return this.ready ? undefined : this.supervisor.lostAt;
  }

  /** The address of the server that it is connected to. */
  get address(): string | undefined {
    return this.supervisor.connection?.address;
  }

  /** Whether the current or last connection is read-only: as requested, or as a fallback. */
  isReadOnly(): boolean {
    return this.supervisor.readOnly;
  }

  /**
   * The server's information on its storage, from the start of the connection, the last {@link getInfo}, or a later
   * notification, as after a commit or a pack. `undefined` before the first connection.
   */
  get info(): StorageInfo | undefined {
    return this.freshness.info;
  }

  /**
   * Replaces the addresses by those of other servers with the same data (`ZEO/ClientStorage.py: new_addr`). The current
   * connection, or one that is being adopted, is kept until it is lost. A search in progress starts over, unless the
   * addresses are the same as before. Any listener may call it.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`, `ERR_ZEO_CLOSED`
   */
  setAddresses(addresses: AddressLike | readonly AddressLike[]): void {
    this.supervisor.moveTo(parseAddresses(addresses));
  }

  /** Asks the server about its storage, and updates {@link info} unless a notification has done so in the meantime. */
  async getInfo(signal?: AbortSignal): Promise<StorageInfo> {
    const known = this.freshness.info;
    const info = readStorageInfo(await this.call('get_info', noArgs, signal));
    // A notification that arrived in the meantime may be newer than this reply.
    if (this.freshness.info === known) this.freshness.info = info;
    return info;
  }

  /** The server's statistics on its storage, by name: connections, loads, stores, lock times … */
  async serverStatus(signal?: AbortSignal): Promise<{ readonly [key: string]: Value }> {
    return checkDict('server_status', await this.call('server_status', noArgs, signal));
  }

  /**
   * One round trip with the method of the `pingMethod` option. It never waits for a connection, and the content of the reply
   * is ignored: `info` does not change.
   *
   * @throws ClientDisconnected if there is no connection, or it is lost
   */
  ping(signal?: AbortSignal): Promise<unknown> {
    // Not `async`: that would allocate another promise for each ping.
    if (signal !== undefined) {
      try {
        checkSignal(signal);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const { connection, closed } = this.supervisor;
    if (connection === undefined)
      return Promise.reject(closed ?? new ClientDisconnected('Cannot ping: there is no connection'));
    return connection.probe(this.#options.pingMethod, noArgs, signal);
  }

  /** An abandoned ping leaks nothing: it is pending until its reply arrives or its connection ends. */
  get ignoresPingSignal(): boolean {
    return true;
  }

  /**
   * Destroys the connection at once if it is still the one of `generation`: every pending call rejects with a
   * ClientDisconnected whose `cause` is `error`, and the storage reconnects. Does nothing while there is no connection.
   */
  drop(error: Error, generation: number): void {
    this.supervisor.drop(error, generation);
  }

  /** Closes the storage for good: pending and later calls reject with `ERR_ZEO_CLOSED`. May be called more than once. */
  async close(): Promise<void> {
    const isFirst = this.supervisor.closed === undefined;
    const closing = this.supervisor.close();
    const { closed } = this.supervisor;
    if (closed !== undefined) this.rejectWaiters(closed);
    if (isFirst) this.announce('closed');
    await closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected rejectWaiters(error: Error): void {
    this.loadLock.rejectWaiters(error);
  }

  protected async call(
    method: string,
    args: readonly Value[],
    signal: AbortSignal | undefined,
  ): Promise<Value> {
    checkSignal(signal);
    const connection = this.supervisor.connection ?? (await this.supervisor.whenReady(signal));
    return connection.call(method, args, signal);
  }
}
