/*
 * Keeps one connection in service: dials, adopts what was established, notices its loss, dials again.
 *
 * Rules:
 * - `connection` is there exactly while the storage is ready. What is not `connection` any more cannot do anything.
 * - `generation` counts adopted connections. A verdict on another generation, or while there is no connection,
 *   changes nothing.
 * - `lastTid` only grows. A server whose last transaction is older is refused.
 * - Order of an adoption: what was missed, what came in meanwhile, ready, waiting calls, `connected`. Of a loss:
 *   not ready, pending calls rejected, `disconnected`, `reconnecting`.
 * - Listeners run in between and may call anything, `close` and `drop` included: state is looked at again after.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientDisconnected, KeepAliveError } from '../errors.js';
import { type Address, formatAddress } from './address.js';
import type { Connection } from './connection.js';
import { dial } from './dial.js';
import { type Established, establish } from './establish.js';
import { compareIds, copyId } from './ids.js';
import type { Notification } from './notification.js';
import type { Access, ResolvedOptions } from './options.js';
import { ReadyGate } from './ready-gate.js';
import { ReconnectBackoff } from './reconnect-backoff.js';
import { reconnectPacer } from './reconnect-pacer.js';
import type { Announce } from './storage-events.js';
import type { StorageInfo } from './storage-info.js';

/** After a loss the first attempt is made at once, but not for losses that follow each other faster than this. */
const calmMs = 5_000;

/** How long a search pauses that a fault of this process has ended. Doubles with each, so many times. */
const faultPauseMs = 100;
const maxFaultDoublings = 8;

export class Supervisor {
  readonly #options: ResolvedOptions;
  readonly #announce: Announce;
  readonly #gate = new ReadyGate();
  /** Of the search for a connection; those of the search for a better one beside it. */
  #backoffs = new Map<Address, ReconnectBackoff>();
  #betterBackoffs = new Map<Address, ReconnectBackoff>();
  /** Since the last adoption. */
  #faults = 0;
  #connection: Connection | undefined;
  #lostAt = Number.NEGATIVE_INFINITY;
  #generation = 0;
  #readOnly: boolean;
  #lastTid: Uint8Array | undefined;
  #info: StorageInfo | undefined;
  #lastError: Error | undefined;
  #closed: Error | undefined;
  #dialing: AbortController | undefined;
  #dialed: Promise<void> = Promise.resolve();
  #released: Promise<void> = Promise.resolve();
  #whenHopeless: ((error: Error) => void) | undefined;
  #leavePacer = () => {};

  constructor(options: ResolvedOptions, announce: Announce) {
    this.#options = options;
    this.#announce = announce;
    this.#readOnly = options.access === 'read';
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
  get lastTid(): Uint8Array | undefined {
    return this.#lastTid;
  }
  get info(): StorageInfo | undefined {
    return this.#info;
  }
  set info(info: StorageInfo) {
    this.#info = info;
  }
  get lastError(): Error | undefined {
    return this.#lastError;
  }
  get closed(): Error | undefined {
    return this.#closed;
  }

  /** Begins to look for a server. */
  start(): void {
    this.#leavePacer = reconnectPacer.join(this.#options.addresses.map(formatAddress));
    this.#dial(undefined, this.#options.addresses, this.#options.access);
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
      this.#dialing?.abort(closed);
      this.#connection?.destroy(closed, closed);
      this.#gate.fail(closed);
    }
    await this.#dialed;
    await this.#released;
  }

  #dial(lastError: Error | undefined, addresses: readonly Address[], access: Access): void {
    this.#dialing?.abort(lastError);
    const controller = new AbortController();
    this.#dialing = controller;
    // Looking for something better while in service is nobody's business: the storage is not "reconnecting".
    const inService = this.#connection !== undefined;
    const backoffs = inService ? this.#betterBackoffs : this.#backoffs;
    this.#dialed = dial(
      {
        addresses,
        lastError,
        attempt: (address, signal) => establish(address, { ...this.#request(), access }, signal),
        backoffOf: (address) => this.#backoff(backoffs, address),
        paceMs: (address) => reconnectPacer.delayMs(formatAddress(address)),
        onRetry: (retry) => {
          if (inService || this.#closed !== undefined) return;
          this.#lastError = retry.error;
          this.#announce('reconnecting', retry);
        },
        onHopeless: (error) => this.#whenHopeless?.(error),
      },
      controller,
    ).then(
      (established) => {
        // Between its success and now the connection that it was to replace may have been lost.
        if (this.#dialing === controller) this.#adopt(established, access);
        else established.connection.destroy(new ClientDisconnected('Another attempt took its place'));
      },
      (cause) => this.#dialAgain(cause, controller.signal, addresses, access),
    );
  }

  /** A search goes on until it is called off. One that ended by itself has met a fault of this process: once more. */
  async #dialAgain(
    cause: unknown,
    signal: AbortSignal,
    addresses: readonly Address[],
    access: Access,
  ): Promise<void> {
    const pauseMs = faultPauseMs * 2 ** Math.min(this.#faults, maxFaultDoublings);
    this.#faults += 1;
    // Aborted, now or meanwhile: by close(), or because another search took its place.
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    this.#dial(new ClientDisconnected('The search for a server failed', { cause }), addresses, access);
  }

  #request() {
    const { storage, clientLabel, maxFrameBytes, connectTimeoutMs } = this.#options;
    return { storage, clientLabel, maxFrameBytes, connectTimeoutMs, lastTid: this.#lastTid };
  }

  #backoff(backoffs: Map<Address, ReconnectBackoff>, address: Address): ReconnectBackoff {
    let backoff = backoffs.get(address);
    if (backoff === undefined) {
      const { reconnectMinDelayMs: minDelayMs, reconnectMaxDelayMs: maxDelayMs } = this.#options;
      backoff = new ReconnectBackoff({ minDelayMs, maxDelayMs });
      backoffs.set(address, backoff);
    }
    return backoff;
  }

  /** Takes an established connection into service. Synchronous but for the listeners: nothing comes in meanwhile. */
  #adopt(established: Established, access: Access): void {
    const { connection, protocol, readOnly, serverTid } = established;
    const { address, failure } = connection;
    // Another one may still be in service, or on its way out.
    this.#released = Promise.all([this.#released, connection.released]).then(() => {});
    if (failure !== undefined) {
      // Lost between its last reply and now.
      if (this.#connection === undefined) this.#dial(failure, this.#options.addresses, access);
      else this.#seekWritable(this.#connection, failure);
      return;
    }
    if (this.#connection !== undefined) this.#retire(this.#connection, address);
    this.#catchUp(established);
    // A listener may have closed the storage.
    if (this.#closed !== undefined) {
      connection.destroy(this.#closed);
      return;
    }
    this.#connection = connection;
    this.#generation += 1;
    this.#faults = 0;
    this.#readOnly = readOnly;
    this.#lastError = undefined;
    if (access === 'fallback' && readOnly) this.#seekWritable(connection);
    this.#gate.open();
    const lastTid = this.#lastTid ?? serverTid;
    this.#announce('connected', { address, generation: this.#generation, lastTid, readOnly, protocol });
  }

  /** Tells what was missed, then what came in while that was asked for, and from then on everything as it comes. */
  #catchUp({ connection, info, missed, serverTid }: Established): void {
    const covered = missed?.tid ?? serverTid;
    if (missed !== undefined && (missed.oids === null || missed.oids.length > 0)) {
      this.#announce('invalidated', missed);
    }
    this.#advance(serverTid);
    this.#advance(covered);
    this.#info = info;
    let catchingUp = true;
    connection.observe({
      notified: (notification) => {
        const isTold = notification.type === 'invalidated' && compareIds(notification.tid, covered) <= 0;
        if (!(catchingUp && isTold)) this.#notified(notification);
      },
      closed: (error) => this.#lost(connection, error),
    });
    catchingUp = false;
  }

  /** While a read-only server serves a storage that would rather write, the other addresses are tried. */
  #seekWritable(present: Connection, lastError?: Error): void {
    const others = this.#options.addresses.filter((address) => formatAddress(address) !== present.address);
    if (lastError === undefined) this.#betterBackoffs = new Map();
    if (others.length > 0) this.#dial(lastError, others, 'write');
  }

  /** Ends a connection in favour of another one. */
  #retire(former: Connection, successor: string): void {
    // First, so that the end of the former is no loss to recover from.
    this.#connection = undefined;
    const error = new ClientDisconnected(`Changed over to ${successor}, which is writable`);
    former.destroy(error);
    this.#announce('disconnected', { generation: this.#generation, error });
  }

  #notified(notification: Notification): void {
    if (notification.type === 'info') {
      this.#info = this.#info && { ...this.#info, ...notification.info };
      return;
    }
    const { tid, oids } = notification;
    this.#announce('invalidated', { tid, oids });
    // After it was told, as ZODB wants it: who sees the new id has seen what it changed.
    this.#advance(tid);
  }

  #advance(tid: Uint8Array): void {
    if (this.#lastTid === undefined || compareIds(tid, this.#lastTid) > 0) this.#lastTid = copyId(tid);
  }

  #lost(connection: Connection, error: Error): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#lastError = error;
    const now = performance.now();
    if (now - this.#lostAt >= calmMs) this.#backoffs = new Map();
    this.#lostAt = now;
    this.#announce('disconnected', { generation: this.#generation, error });
    if (this.#closed === undefined) this.#dial(error, this.#options.addresses, this.#options.access);
  }

  #waitedTooLong(): Error {
    const { addresses, waitTimeoutMs } = this.#options;
    const servers = addresses.map(formatAddress).join(', ');
    // No attempt has failed yet when `waitTimeout` is shorter than `connectTimeout` and the peer is silent.
    const pending = new ClientDisconnected(`${servers} has not answered yet`, { code: 'ERR_ZEO_CONNECT' });
    return new ClientDisconnected(`No connection to ${servers} within ${waitTimeoutMs / 1000} s`, {
      code: 'ERR_ZEO_WAIT_TIMEOUT',
      cause: this.#lastError ?? pending,
    });
  }
}
