/*
 * Keeps one connection in service: has a server sought, adopts what was found, notices its loss, has one sought again.
 *
 * Rules:
 * - `connection` is there exactly while the storage is ready. What is not `connection` any more cannot do anything.
 * - `generation` counts adopted connections. A verdict on another generation, or while there is no connection,
 *   changes nothing.
 * - A server whose last transaction is older than what is known already is refused.
 * - Order of an adoption: what was missed, what came in meanwhile, ready, waiting calls, `connected`. Of a loss:
 *   not ready, pending calls rejected, `disconnected`, `reconnecting`.
 * - Listeners run in between and may call anything, `close`, `drop` and `setAddresses` included: state is looked at again
 *   after. No search is under way while they are told of an adoption or a loss; what comes then knows the addresses.
 */
import { isDeepStrictEqual } from 'node:util';
import { ClientDisconnected, KeepAliveError } from '../../model/errors.js';
import { isLater } from '../../zodb/ids.js';
import { type Address, formatAddress } from '../connection/address.js';
import type { Connection } from '../connection/connection.js';
import type { Notification } from '../connection/notification.js';
import type { ResolvedOptions } from '../connection/options.js';
import { type Established, serverBehind } from './establish.js';
import { ReadyGate } from './ready-gate.js';
import { reconnectPacer } from './reconnect-pacer.js';
import { type Goal, Search } from './search.js';
import type { Announce } from './storage-events.js';

/** After a loss the first attempt is made at once, but not for losses that follow each other faster than this. */
const calmMs = 5_000;

/** What is known of the server's data: learns what every connection reports. */
export interface ServerKnowledge {
  /** The last transaction that is known of; a server that is behind it is refused. */
  readonly lastTid: Uint8Array | undefined;
  /** Learns what was missed; returns the last transaction that is covered by that. */
  caughtUp(established: Pick<Established, 'info' | 'missed' | 'serverTid'>): Uint8Array;
  /** Learns what the server reports by itself. */
  notified(notification: Notification): void;
}

export class Supervisor {
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
  #leavePacer = () => {};

  constructor(options: ResolvedOptions, knowledge: ServerKnowledge, announce: Announce) {
    this.#options = options;
    this.#knowledge = knowledge;
    this.#announce = announce;
    this.#addresses = options.addresses;
    this.#readOnly = options.access === 'read';
    this.#search = new Search(options, () => knowledge.lastTid, {
      found: (established, goal) => this.#adopt(established, goal),
      retrying: (retry, { beside }) => {
        // Looking for something better while in service is nobody's business: the storage is not "reconnecting".
        if (beside || this.#closed !== undefined) return;
        this.#lastError = retry.error;
        this.#announce('reconnecting', retry);
      },
      hopeless: (error) => this.#whenHopeless?.(error),
    });
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }
  get generation(): number {
    return this.#generation;
  }
  /** Of the present connection, or else of the last one. */
  get readOnly(): boolean {
    return this.#readOnly;
  }
  get lastError(): Error | undefined {
    return this.#lastError;
  }
  /** When the last connection was lost, in milliseconds of `performance.now()`; `undefined` if none ever was. */
  get lostAt(): number | undefined {
    return this.#lostAt;
  }
  get closed(): Error | undefined {
    return this.#closed;
  }
  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  /** Begins to look for a server. */
  start(): void {
    this.#leavePacer = reconnectPacer.join(this.#addresses.map(formatAddress));
    this.#seek(undefined);
  }

  /**
   * Other servers from now on. A connection that there is stays, as one does that is being adopted; a search that is under
   * way starts anew, unless it is for the same.
   */
  moveTo(addresses: readonly Address[]): void {
    if (this.#closed !== undefined) throw this.#closed;
    const names = addresses.map(formatAddress);
    // A listener of `reconnecting` may say so each time.
    if (isDeepStrictEqual(names, this.#addresses.map(formatAddress))) return;
    this.#leavePacer();
    this.#leavePacer = reconnectPacer.join(names);
    this.#addresses = addresses;
    if (this.#connection === undefined) {
      if (this.#search.isActive) this.#seek(this.#lastError);
    } else if (this.#isMakeshift) this.#seekWritable(this.#connection);
  }

  /**
   * The connection, waiting for one up to `waitTimeout`.
   *
   * @throws ClientDisconnected `ERR_ZEO_WAIT_TIMEOUT`, caused by the last failure; KeepAliveError `ERR_ZEO_CLOSED`
   */
  async whenReady(signal?: AbortSignal): Promise<Connection> {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#connection === undefined) {
      await this.#gate.wait(this.#options.waitTimeoutMs, () => this.#waitedTooLong(), signal);
      if (this.#closed !== undefined) throw this.#closed;
    }
    // Let through, and lost again before this function resumed.
    if (this.#connection === undefined)
      throw new ClientDisconnected('Disconnected', { cause: this.#lastError });
    return this.#connection;
  }

  /** As {@link whenReady}, but rejects at once when no address can ever work. */
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

  /** Resolves when nothing is left: no socket, no timer, no pending call. */
  async close(): Promise<void> {
    if (this.#closed === undefined) {
      const closed = new KeepAliveError('ERR_ZEO_CLOSED', 'The storage is closed');
      this.#closed = closed;
      this.#leavePacer();
      this.#search.stop(closed);
      this.#connection?.destroy(closed, closed);
      this.#gate.fail(closed);
    }
    await this.#search.ended;
    await this.#released;
  }

  #seek(lastError: Error | undefined): void {
    this.#search.start(
      { addresses: this.#addresses, access: this.#options.access, beside: false },
      lastError,
    );
  }

  /** While a read-only server serves a storage that would rather write, the other addresses are tried. */
  #seekWritable(present: Connection, lastError?: Error): void {
    const others = this.#addresses.filter((address) => formatAddress(address) !== present.address);
    if (lastError === undefined) this.#search.forgetFailures(true);
    if (others.length > 0)
      this.#search.start({ addresses: others, access: 'write', beside: true }, lastError);
    else this.#search.stop();
  }

  /** Whether a read-only server serves a storage that would rather write. */
  get #isMakeshift(): boolean {
    return this.#options.access === 'fallback' && this.#readOnly;
  }

  /** Takes an established connection into service. Synchronous but for the listeners: nothing comes in meanwhile. */
  #adopt(established: Established, { access }: Goal): void {
    const { connection, protocol, readOnly, serverTid } = established;
    const { address, failure = this.#behind(established) } = connection;
    // Another one may still be in service, or on its way out.
    this.#released = Promise.all([this.#released, connection.released]).then(() => {});
    if (failure !== undefined) {
      // Lost between its last reply and now, or overtaken by the one that it was to replace.
      connection.destroy(failure);
      if (this.#connection === undefined) this.#seek(failure);
      else this.#seekWritable(this.#connection, failure);
      return;
    }
    if (this.#connection !== undefined) this.#retire(this.#connection, address);
    // A listener may have closed the storage, here or below.
    if (this.#closed === undefined) this.#catchUp(established);
    if (this.#closed !== undefined) {
      connection.destroy(this.#closed);
      return;
    }
    this.#connection = connection;
    this.#generation += 1;
    this.#readOnly = readOnly;
    this.#lastError = undefined;
    if (access === 'fallback' && readOnly) this.#seekWritable(connection);
    this.#gate.open();
    const lastTid = this.#knowledge.lastTid ?? serverTid;
    this.#announce('connected', { address, generation: this.#generation, lastTid, readOnly, protocol });
  }

  /** While a better server was being asked, the present one may have told of transactions that the better one lacks. */
  #behind({ connection, serverTid, missed }: Established): Error | undefined {
    const { lastTid } = this.#knowledge;
    const known = [serverTid, missed?.tid, connection.newestQueuedTid].filter((tid) => tid !== undefined);
    const newest = known.reduce((one, other) => (isLater(other, one) ? other : one));
    return lastTid !== undefined && isLater(lastTid, newest)
      ? serverBehind(connection.address, newest, lastTid)
      : undefined;
  }

  /** Tells what was missed, then what came in while that was asked for, and from then on everything as it comes. */
  #catchUp(established: Established): void {
    const { connection } = established;
    const covered = this.#knowledge.caughtUp(established);
    let catchingUp = true;
    connection.observe({
      notified: (notification) => {
        if (this.#closed !== undefined) return;
        const isTold = notification.type === 'invalidated' && !isLater(notification.tid, covered);
        if (!(catchingUp && isTold)) this.#knowledge.notified(notification);
      },
      closed: (error) => this.#lost(connection, error),
    });
    catchingUp = false;
  }

  /** Ends a connection in favour of another one. */
  #retire(former: Connection, successor: string): void {
    // First, so that the end of the former is no loss to recover from.
    this.#connection = undefined;
    const error = new ClientDisconnected(`Changed over to ${successor}, which is writable`);
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
    // One for something better than what is lost.
    this.#search.stop(error);
    this.#announce('disconnected', { generation: this.#generation, error });
    if (this.#closed === undefined) this.#seek(error);
  }

  #waitedTooLong(): Error {
    const { waitTimeoutMs } = this.#options;
    const servers = this.#addresses.map(formatAddress).join(', ');
    // No attempt has failed yet when `waitTimeout` is shorter than `connectTimeout` and the peer is silent.
    const pending = new ClientDisconnected(`${servers} has not answered yet`, { code: 'ERR_ZEO_CONNECT' });
    return new ClientDisconnected(`No connection to ${servers} within ${waitTimeoutMs / 1000} s`, {
      code: 'ERR_ZEO_WAIT_TIMEOUT',
      cause: this.#lastError ?? pending,
    });
  }
}
