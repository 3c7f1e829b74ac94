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

/** The part of a `ClientStorage` that lives with its connection: what the agent sees, and what ends it. */
export abstract class LiveStorage extends StorageEvents implements KeepAliveTarget, AsyncDisposable {
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

  /** Whether it is connected and serves calls. */
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

  /** How many connections there were, the present one included. 0 before the first. */
  get generation(): number {
    return this.supervisor.generation;
  }

  /** When the last byte came on the present connection, in milliseconds of `performance.now()`. */
  get lastReceivedAt(): number | undefined {
    return this.supervisor.connection?.lastReceivedAt;
  }

  /** What was written to the present connection. */
  get outgoing(): Outgoing | undefined {
    return this.supervisor.connection?.outgoing;
  }

  /** The ports of the present connection; `undefined` for a unix domain socket. */
  get socketPorts(): SocketPorts | undefined {
    return this.supervisor.connection?.ports;
  }

  /** Why there is no connection, or why the last attempt to get one failed; `undefined` while there is one. */
  get lastError(): Error | undefined {
    return this.supervisor.lastError;
  }

  /**
   * When the last connection was lost, in milliseconds of `performance.now()`; `undefined` while there is one, and before
   * the first.
   */
  get lostAt(): number | undefined {
    return this.ready ? undefined : this.supervisor.lostAt;
  }

  /** The server that it is connected to. */
  get address(): string | undefined {
    return this.supervisor.connection?.address;
  }

  /** Whether the connection, or else the last one, cannot write: asked for, or a read-only fallback. */
  isReadOnly(): boolean {
    return this.supervisor.readOnly;
  }

  /**
   * What the server said of its storage when the connection began, when {@link getInfo} asked, or by itself, as
   * after a commit or a pack. `undefined` before the first connection.
   */
  get info(): StorageInfo | undefined {
    return this.freshness.info;
  }

  /**
   * Other servers from now on, which serve the same data (`ZEO/ClientStorage.py: new_addr`). A connection that there
   * is, or that is being taken into service, stays until it is lost. A search that is under way starts anew, unless they
   * are the same as before. Any listener may call it.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`, `ERR_ZEO_CLOSED`
   */
  setAddresses(addresses: AddressLike | readonly AddressLike[]): void {
    this.supervisor.moveTo(parseAddresses(addresses));
  }

  /** Asks the server about its storage; {@link info} is the answer then, unless the server has told something meanwhile. */
  async getInfo(signal?: AbortSignal): Promise<StorageInfo> {
    const known = this.freshness.info;
    const info = readStorageInfo(await this.call('get_info', noArgs, signal));
    // What the server has told meanwhile may be newer than this answer.
    if (this.freshness.info === known) this.freshness.info = info;
    return info;
  }

  /** The server's statistics on its storage: connections, loads, stores, lock times … */
  async serverStatus(signal?: AbortSignal): Promise<{ readonly [key: string]: Value }> {
    return checkDict('server_status', await this.call('server_status', noArgs, signal));
  }

  /**
   * One round trip, as the `pingMethod` option has it. It never waits for a connection, and the reply counts for
   * having come: `info` is not changed by it.
   *
   * @throws ClientDisconnected when there is none, or it is lost
   */
  ping(signal?: AbortSignal): Promise<unknown> {
    // Not by `async`, which makes another promise for each ping.
    if (signal !== undefined) {
      try {
        checkSignal(signal);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const { connection, closed } = this.supervisor;
    if (connection === undefined)
      return Promise.reject(closed ?? new ClientDisconnected('There is no connection to ping'));
    return connection.probe(this.#options.pingMethod, noArgs, signal);
  }

  /** A ping without a signal is pending until its reply comes or its connection is gone. */
  get ignoresPingSignal(): boolean {
    return true;
  }

  /**
   * Destroys the connection at once if it is still the one of `generation`: every pending call rejects with a
   * ClientDisconnected caused by `error`, and a new connection is sought. Does nothing while there is none.
   */
  drop(error: Error, generation: number): void {
    this.supervisor.drop(error, generation);
  }

  /** Closes it for good: what is pending or comes later rejects with `ERR_ZEO_CLOSED`. May be called again. */
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
