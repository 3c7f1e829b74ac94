/*
 * One socket, one protocol session, and the pending calls. No policy: it has no timers and does not reconnect.
 *
 * Rules:
 * - It ends once, by `destroy`: the socket is destroyed, never ended gracefully (a dead peer would never complete that),
 *   every pending call rejects, and nothing is delivered afterwards.
 * - Notifications are queued in order until there is an observer: the async functions that verify the connection resume
 *   only after a whole chunk has been read, and a notification behind their reply in that chunk must not be lost.
 */
import type { Socket } from 'node:net';
import { ClientDisconnected } from '../../model/errors.js';
import type { Outgoing } from '../../model/target.js';
import type { SocketPorts } from '../../tcp/diagnosis.js';
import { outgoingOf, portsOf } from '../../tcp/socket-view.js';
import type { Value } from '../encoding/values.js';
import { type ClientEvent, ClientSession } from '../protocol/index.js';
import { type Address, formatAddress } from './address.js';
import { type Notification, readNotification } from './notification.js';
import { NotificationQueue } from './notification-queue.js';
import { PendingCall, PendingCalls } from './pending-calls.js';
import {
  closeReason,
  openSocketReusingMemory,
  reusedMemory,
  type SocketOptions,
  socketFailure,
} from './socket.js';

/** Receives the notifications of a connection, in order. */
export interface ConnectionObserver {
  notified(notification: Notification): void;
  /** The last call; every pending call has already been rejected. */
  ended(error: Error, connection: Connection): void;
}

/** Handles the reply to a call before the next message is read. */
export interface InOrder<T> {
  /** @throws ProtocolError for a malformed reply; it ends the connection */
  replied(value: Value): T;
  failed(error: Error): void;
}

export interface ConnectionOptions extends Pick<SocketOptions, 'tls' | 'onPhase'> {
  readonly maxFrameBytes?: number | undefined;
}

/** With this many unsent bytes, {@link Connection.drained} makes callers of one-way calls wait. */
const maxWaitingBytes = 1024 * 1024;

export class Connection {
  /** As `formatAddress` returns it. */
  readonly address: string;
  /** Resolves to the protocol, `Z5` or `M5`, when the server's greeting has been accepted and answered. */
  readonly greeted: Promise<string>;

  readonly #socket: Socket;
  readonly #session: ClientSession;
  readonly #pending = new PendingCalls();
  /** Always a number: V8 would box each value of a field that has ever held anything else. */
  #lastReceivedAt = Number.NaN;
  #failure: Error | undefined;
  /** The `closed` of a socket is already true when `destroy` returns, while its handle is still there. */
  #isReleased = false;
  #observer: ConnectionObserver | undefined;
  /** Until there is an observer. */
  #queued: NotificationQueue | undefined = new NotificationQueue();
  #draining: Promise<void> | undefined;
  /** Until the greeting has come: all that a connection keeps is kept ten thousand times. */
  #settleGreeting: { resolve: (protocol: string) => void; reject: (error: Error) => void } | undefined;

  /**
   * Connects to a server. Its greeting, and a TLS handshake before it, are still to come.
   *
   * @throws ClientDisconnected `ERR_ZEO_CONNECT`; `signal.reason`
   */
  static async open(address: Address, options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
    let connection: Connection | undefined;
    const onChunk = (chunk: Uint8Array) => (connection as Connection).#receive(chunk);
    const socket = await openSocketReusingMemory(address, options, onChunk, signal);
    connection = new Connection(socket, formatAddress(address), options.maxFrameBytes);
    return connection;
  }

  private constructor(socket: Socket, address: string, maxFrameBytes: number | undefined) {
    this.address = address;
    this.#socket = socket;
    this.#session = new ClientSession({ maxFrameBytes, reusedMemory });
    this.greeted = new Promise((resolve, reject) => {
      this.#settleGreeting = { resolve, reject };
    });
    // It may reject before anyone waits for it.
    this.greeted.catch(() => {});
    // After `destroy` these have no effect: the failure is already set.
    this.#socket.on('error', (error) =>
      this.destroy(socketFailure(this.#socket, this.address, error, this.#isSilent)),
    );
    this.#socket.on('end', () => this.destroy(this.#lost(closeReason(this.#socket, this.#isSilent))));
    this.#socket.on('close', () => {
      this.#isReleased = true;
      this.destroy(this.#lost('the connection was closed'));
    });
  }

  /** Resolves when the socket is closed. */
  get released(): Promise<void> {
    if (this.#isReleased) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /** Why it ended; `undefined` while it is open. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** When the last byte was received, in milliseconds of `performance.now()`; `undefined` before the first. */
  get lastReceivedAt(): number | undefined {
    return this.#isSilent ? undefined : this.#lastReceivedAt;
  }

  /** The ports of both ends; `undefined` for a unix domain socket. */
  get ports(): SocketPorts | undefined {
    return portsOf(this.#socket);
  }

  /** Whether nothing has been received yet. */
  get #isSilent(): boolean {
    return Number.isNaN(this.#lastReceivedAt);
  }

  get outgoing(): Outgoing {
    return outgoingOf(this.#socket);
  }

  /** The last transaction among the queued notifications. */
  get newestQueuedTid(): Uint8Array | undefined {
    return this.#queued?.newestTid;
  }

  /** Delivers the queued notifications synchronously and in order, and then each as it arrives. */
  observe(observer: ConnectionObserver): void {
    this.#observer = observer;
    const queued = this.#queued?.drain() ?? [];
    this.#queued = undefined;
    for (const notification of queued) observer.notified(notification);
  }

  /**
   * Calls the server and resolves to its reply.
   *
   * @throws ServerError if the server answered with an exception; KeepAliveError `ERR_ZEO_FRAME_TOO_LARGE` for a reply over
   *   `maxFrameBytes`; ClientDisconnected if the connection is or gets lost; `signal.reason` if it aborts first: the reply
   *   is then ignored
   */
  call(method: string, args: readonly Value[], signal?: AbortSignal): Promise<Value> {
    return this.#call(true, method, args, signal);
  }

  /** A call whose reply is not decoded: only its arrival counts. */
  probe(method: string, args: readonly Value[], signal?: AbortSignal): Promise<unknown> {
    return this.#call(false, method, args, signal);
  }

  /**
   * A call whose reply is handled in wire order: code that awaits a promise resumes only after the rest of the chunk has
   * been handled.
   */
  callInOrder<T>(method: string, args: readonly Value[], { replied, failed }: InOrder<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#rejection(this.#failure);
      const settle = (value: Value) => {
        try {
          resolve(replied(value));
        } catch (error) {
          reject(error);
          throw error;
        }
      };
      const fail = (error: unknown) => {
        reject(error);
        failed(error as Error);
      };
      this.#send(method, args, new PendingCall(this.#pending.takeId(), true, settle, fail));
    });
  }

  /**
   * Sends a one-way call, which has no reply. The calls of one turn of the event loop are written to the system together.
   */
  tell(method: string, args: readonly Value[]): void {
    if (this.#failure !== undefined) return;
    const frame = this.#session.encodeOneWay(method, args);
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(frame);
  }

  /** Resolves when there is room for more one-way calls, or the connection has ended. */
  drained(): Promise<void> {
    if (this.#failure !== undefined || this.#socket.writableLength < maxWaitingBytes)
      return Promise.resolve();
    this.#draining ??= new Promise((resolve) => {
      const done = () => {
        this.#draining = undefined;
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
    return this.#draining;
  }

  /**
   * Ends it at once. Does nothing if it has already ended.
   *
   * @param error why
   * @param rejection what pending calls reject with. Default: a ClientDisconnected caused by `error`
   */
  destroy(error: Error, rejection?: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket.destroy();
    const calls = this.#pending.drain();
    this.#queued = undefined;
    this.#settleGreeting?.reject(error);
    if (calls.length > 0) {
      const reason = rejection ?? this.#rejection(error);
      for (const call of calls) call.reject(reason);
    }
    this.#observer?.ended(error, this);
  }

  #call(
    wantsValue: boolean,
    method: string,
    args: readonly Value[],
    signal: AbortSignal | undefined,
  ): Promise<Value> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#failure !== undefined) return Promise.reject(this.#rejection(this.#failure));
    return new Promise((resolve, reject) => {
      this.#send(method, args, new PendingCall(this.#pending.takeId(), wantsValue, resolve, reject), signal);
    });
  }

  #send(method: string, args: readonly Value[], call: PendingCall, signal?: AbortSignal): void {
    // Encoded first: an argument that cannot be encoded changes nothing.
    const frame = this.#session.encodeCall(call.id, method, args);
    if (signal !== undefined) call.abortWith(signal, () => this.#pending.remove(call));
    this.#pending.add(call);
    this.#socket.write(frame);
  }

  #receive(chunk: Uint8Array): void {
    this.#lastReceivedAt = performance.now();
    try {
      this.#session.receive(chunk, this.#handle);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  readonly #handle = (event: ClientEvent): void => {
    // Nothing is delivered after the end.
    if (this.#failure !== undefined) return;
    switch (event.type) {
      case 'reply': {
        const call = this.#pending.find(event.id);
        if (call === undefined) return;
        // Before `remove`: a value that cannot be decoded throws, and `destroy` then rejects the call.
        const value = call.wantsValue ? event.value : null;
        this.#pending.remove(call);
        call.resolve(value);
        return;
      }
      case 'error':
      case 'oversized': {
        const call = this.#pending.find(event.id);
        if (call === undefined) return;
        this.#pending.remove(call);
        call.reject(event.error);
        return;
      }
      case 'call': {
        const notification = readNotification(event.method, event.args);
        if (notification === undefined) return;
        if (this.#observer === undefined) this.#queued?.add(notification);
        else this.#observer.notified(notification);
        return;
      }
      case 'handshake':
        this.#socket.write(this.#session.handshakeReply());
        this.#settleGreeting?.resolve(event.protocol);
        this.#settleGreeting = undefined;
        return;
    }
  };

  #lost(how: string): Error {
    if (this.#isSilent) {
      return new ClientDisconnected(`Cannot connect to ${this.address}: ${how}`, { code: 'ERR_ZEO_CONNECT' });
    }
    return new ClientDisconnected(`The connection to ${this.address} was lost: ${how}`);
  }

  #rejection(cause: Error): Error {
    return new ClientDisconnected(`The connection to ${this.address} was lost before the reply`, { cause });
  }
}
