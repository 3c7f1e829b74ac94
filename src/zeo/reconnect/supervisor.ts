/*
 * Keeps one connection in service: searches for a server, adopts the connection found, notices its loss, searches again.
 *
 * Rules:
 * - `connection` is set exactly while the storage is ready. A connection that was replaced has no effect.
 * - `generation` counts adopted connections. A drop of another generation, or while there is no connection, is ignored.
 * - A server whose last transaction is older than the last known one is rejected.
 * - Order of an adoption: missed changes, queued notifications, ready, waiting calls, `connected`. Of a loss: not ready,
 *   pending calls rejected, `disconnected`, `reconnecting`.
 * - Listeners run in between and may call anything, including `close`, `drop` and `setAddresses`: state is checked again
 *   afterwards. No search is active while an adoption or a loss is announced; the next one uses the addresses of then.
 */
import { isDeepStrictEqual } from 'node:util';
import { ClientDisconnected, KeepAliveError } from '../../model/errors.js';
import { isLater } from '../../zodb/ids.js';
import { type Address, formatAddress } from '../connection/address.js';
import type { Connection, ConnectionObserver } from '../connection/connection.js';
import type { Notification } from '../connection/notification.js';
import type { ResolvedOptions } from '../connection/options.js';
import { type Established, serverBehind } from './establish.js';
import { ReadyGate } from './ready-gate.js';
import { reconnectPacer } from './reconnect-pacer.js';
import { type Goal, Search, type SearchObserver } from './search.js';
import type { Announce } from './storage-events.js';

/** The first attempt after a loss is made at once, unless the previous loss was less than this ago. */
const calmMs = 5_000;

/** What is known of the server's data, updated from every connection. */
export interface ServerKnowledge {
  /** The last known transaction; a server that is behind it is rejected. */
  readonly lastTid: Uint8Array | undefined;
  /** Applies what was missed; returns the last transaction covered by it. */
  caughtUp(established: Pick<Established, 'info' | 'missed' | 'serverTid'>): Uint8Array;
  /** Applies a notification of the server. */
  notified(notification: Notification): void;
}

export class Supervisor implements SearchObserver, ConnectionObserver {
  readonly #options: ResolvedOptions;
  readonly #knowledge: ServerKnowledge;
  readonly #announce: Announce;
  readonly #gate = new ReadyGate();
  readonly #search: Search;
  #addresses: readonly Address[];
  #connection: Connection | undefined;
  #lostAt: number | undefined;
  #generation = 0;
  #readOnly: boolean;
  #lastError: Error | undefined;
  #closed: Error | undefined;
  #released: Promise<void> = Promise.resolve();
  #whenHopeless: ((error: Error) => void) | undefined;
  /** While queued notifications are applied: up to which transaction their changes are known already. */
  #covered: Uint8Array | undefined;

  constructor(options: ResolvedOptions, knowledge: ServerKnowledge, announce: Announce) {
    this.#options = options;
    this.#knowledge = knowledge;
    this.#announce = announce;
    this.#addresses = options.addresses;
    this.#readOnly = options.access === 'read';
    this.#search = new Search(options, knowledge, this);
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }
  get generation(): number {
    return this.#generation;
  }
  /** Of the current connection, or else of the last one. */
  get readOnly(): boolean {
    return this.#readOnly;
  }
  get lastError(): Error | undefined {
    return this.#lastError;
  }
  /** When a connection was last lost, in milliseconds of `performance.now()`; `undefined` if none ever was. */
  get lostAt(): number | undefined {
    return this.#lostAt;
  }
  get closed(): Error | undefined {
    return this.#closed;
  }
  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  /** Starts the first search. */
  start(): void {
    reconnectPacer.join(this.#addresses.map(formatAddress));
    this.#seek(undefined);
  }

  /**
   * Replaces the addresses. The current connection, or one that is being adopted, is kept; a search in progress starts over,
   * unless the addresses are the same.
   */
  moveTo(addresses: readonly Address[]): void {
    if (this.#closed !== undefined) throw this.#closed;
    const names = addresses.map(formatAddress);
    // A listener of `reconnecting` may set the same addresses each time.
    const former = this.#addresses.map(formatAddress);
    if (isDeepStrictEqual(names, former)) return;
    reconnectPacer.leave(former);
    reconnectPacer.join(names);
    this.#addresses = addresses;
    if (this.#connection === undefined) {
      if (this.#search.isActive) this.#seek(this.#lastError);
    } else if (this.#isReadOnlyFallback) this.#seekWritable(this.#connection);
  }

  /**
   * The connection, waiting for one up to `waitTimeout`.
   *
   * @throws ClientDisconnected `ERR_ZEO_WAIT_TIMEOUT`, caused by the last failure; KeepAliveError `ERR_ZEO_CLOSED`
   */
  async whenReady(signal?: AbortSignal): Promise<Connection> {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#connection === undefined) {
      await this.#gate.wait(this.#options.waitTimeoutMs, () => this.#waitTimeoutError(), signal);
      if (this.#closed !== undefined) throw this.#closed;
    }
    // The connection was lost again before this function resumed.
    if (this.#connection === undefined)
      throw new ClientDisconnected('The connection was lost before the call was sent', {
        cause: this.#lastError,
      });
    return this.#connection;
  }

  /** As {@link whenReady}, but rejects at once if no address can work until something is changed. */
  async whenFirstReady(): Promise<void> {
    this.#whenHopeless = (error) => this.#gate.fail(error);
    try {
      await this.whenReady();
    } finally {
      this.#whenHopeless = undefined;
    }
  }

  drop(error: Error, generation: number): void {
    if (generation === this.#generation) this.#connection?.destroy(error);
  }

  /** Resolves when everything is released: sockets, timers, pending calls. */
  async close(): Promise<void> {
    if (this.#closed === undefined) {
      const closed = new KeepAliveError('ERR_ZEO_CLOSED', 'The storage is closed');
      this.#closed = closed;
      reconnectPacer.leave(this.#addresses.map(formatAddress));
      this.#search.stop(closed);
      this.#connection?.destroy(closed, closed);
      this.#gate.fail(closed);
    }
    await this.#search.ended;
    await this.#released;
  }

  // What the search and the connection call, and nobody else.

  /** Takes an established connection into service. Synchronous, so nothing is received meanwhile; only listeners run. */
  found(established: Established, { access }: Goal): void {
    const { connection, protocol, readOnly, serverTid } = established;
    const { address, failure = this.#behind(established) } = connection;
    if (failure !== undefined) {
      // Lost since its last reply, or behind the connection that it was to replace.
      connection.destroy(failure);
      this.#awaitRelease(connection);
      if (this.#connection === undefined) this.#seek(failure);
      else this.#seekWritable(this.#connection, failure);
      return;
    }
    if (this.#connection !== undefined) this.#replace(this.#connection, address);
    // A listener may have closed the storage, here or below.
    if (this.#closed === undefined) this.#catchUp(established);
    if (this.#closed !== undefined) {
      connection.destroy(this.#closed);
      this.#awaitRelease(connection);
      return;
    }
    this.#connection = connection;
    this.#search.trust(address);
    this.#generation += 1;
    this.#readOnly = readOnly;
    this.#lastError = undefined;
    if (access === 'fallback' && readOnly) this.#seekWritable(connection);
    this.#gate.open();
    const lastTid = this.#knowledge.lastTid ?? serverTid;
    this.#announce('connected', { address, generation: this.#generation, lastTid, readOnly, protocol });
  }

  retrying(retry: Parameters<SearchObserver['retrying']>[0], { isUpgrade }: Goal): void {
    // The storage is not reconnecting while a read-only fallback serves it.
    if (isUpgrade || this.#closed !== undefined) return;
    this.#lastError = retry.error;
    this.#announce('reconnecting', retry);
  }

  hopeless(error: Error): void {
    this.#whenHopeless?.(error);
  }

  notified(notification: Notification): void {
    if (this.#closed !== undefined) return;
    const covered = this.#covered;
    const isCovered =
      covered !== undefined && notification.type === 'invalidated' && !isLater(notification.tid, covered);
    if (!isCovered) this.#knowledge.notified(notification);
  }

  ended(error: Error, connection: Connection): void {
    this.#awaitRelease(connection);
    this.#lost(connection, error);
  }

  #seek(lastError: Error | undefined): void {
    this.#search.start(
      { addresses: this.#addresses, access: this.#options.access, isUpgrade: false },
      lastError,
    );
  }

  /** While a read-only fallback serves, tries the other addresses for a writable server. */
  #seekWritable(present: Connection, lastError?: Error): void {
    const others = this.#addresses.filter((address) => formatAddress(address) !== present.address);
    if (lastError === undefined) this.#search.forgetFailures(true);
    if (others.length > 0)
      this.#search.start({ addresses: others, access: 'write', isUpgrade: true }, lastError);
    else this.#search.stop();
  }

  /** Whether the storage is writable by its options, but the server is read-only. */
  get #isReadOnlyFallback(): boolean {
    return this.#options.access === 'fallback' && this.#readOnly;
  }

  /** While a writable server was being verified, the fallback may have announced transactions that it lacks. */
  #behind({ connection, serverTid, missed }: Established): Error | undefined {
    const { lastTid } = this.#knowledge;
    const known = [serverTid, missed?.tid, connection.newestQueuedTid].filter((tid) => tid !== undefined);
    const newest = known.reduce((one, other) => (isLater(other, one) ? other : one));
    return lastTid !== undefined && isLater(lastTid, newest)
      ? serverBehind(connection.address, newest, lastTid)
      : undefined;
  }

  /** Applies what was missed, then the notifications queued since, and from then on each as it arrives. */
  #catchUp(established: Established): void {
    const { connection } = established;
    this.#covered = this.#knowledge.caughtUp(established);
    try {
      connection.observe(this);
    } finally {
      this.#covered = undefined;
    }
  }

  /** Of a connection that has ended: `close` waits for it. */
  #awaitRelease({ released }: Connection): void {
    this.#released = this.#released.then(() => released);
  }

  /** Ends a connection in favour of a writable one. */
  #replace(former: Connection, successor: string): void {
    // First, so that its end is not treated as a loss.
    this.#connection = undefined;
    const error = new ClientDisconnected(`Replaced by a connection to ${successor}, which is writable`);
    former.destroy(error);
    this.#announce('disconnected', { generation: this.#generation, error });
  }

  #lost(connection: Connection, error: Error): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#lastError = error;
    const now = performance.now();
    if (this.#lostAt === undefined || now - this.#lostAt >= calmMs) this.#search.forgetFailures(false);
    this.#lostAt = now;
    // A search for an upgrade of the lost connection.
    this.#search.stop(error);
    this.#announce('disconnected', { generation: this.#generation, error });
    if (this.#closed === undefined) this.#seek(error);
  }

  #waitTimeoutError(): Error {
    const { waitTimeoutMs } = this.#options;
    const servers = this.#addresses.map(formatAddress).join(', ');
    // No attempt has failed yet when `waitTimeout` is shorter than `connectTimeout` and the peer is silent.
    const pending = new ClientDisconnected(`No answer from ${servers} yet`, { code: 'ERR_ZEO_CONNECT' });
    return new ClientDisconnected(`No connection to ${servers} within ${waitTimeoutMs / 1000} s`, {
      code: 'ERR_ZEO_WAIT_TIMEOUT',
      cause: this.#lastError ?? pending,
    });
  }
}
