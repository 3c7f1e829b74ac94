/*
 * One socket, one protocol session, the calls that wait for an answer. No policy: it does not reconnect, has no
 * timer and judges nobody.
 *
 * Rules:
 * - It ends once, by `destroy`, whoever calls it: the socket is destroyed, never ended gracefully (a dead peer
 *   would never finish that), every pending call rejects, nothing is delivered afterwards.
 * - What the server tells without being asked is queued in order until somebody observes: async functions that
 *   verify the connection resume only after a whole chunk was read, and what followed their reply in the same
 *   chunk must not be lost.
 */
import type { Socket } from 'node:net';
import { ClientDisconnected, ProtocolError } from '../../model/errors.js';
import type { Outgoing } from '../../model/target.js';
import type { SocketPorts } from '../../tcp/diagnosis.js';
import { outgoingOf, portsOf } from '../../tcp/socket-view.js';
import type { MessageId, Value } from '../encoding/values.js';
import { type ClientEvent, ClientSession } from '../protocol/index.js';
import { type Address, formatAddress } from './address.js';
import { type Notification, readNotification } from './notification.js';
import { NotificationQueue } from './notification-queue.js';
import { PendingCall, PendingCalls } from './pending-calls.js';
import { farewell, openSocketReusingMemory, reusedMemory, socketFailure } from './socket.js';
import type { TlsOptions } from './tls.js';

/** Who is told of what happens on a connection, in order. */
export interface ConnectionObserver {
  notified(notification: Notification): void;
  /** The last that is heard; every pending call has been rejected. */
  closed(error: Error): void;
}

/** What is done with the reply to a call before what the server says next is looked at. */
export interface InOrder<T> {
  /** @throws ProtocolError for a reply that cannot be understood: it ends the connection */
  replied(value: Value): T;
  failed(error: Error): void;
}

export interface ConnectionOptions {
  readonly maxFrameBytes?: number | undefined;
  /** Speaks TLS. */
  readonly tls?: TlsOptions | undefined;
}

/** Of what was told to the server, so much may wait here to be sent before who tells is asked to wait. */
const maxWaitingBytes = 1024 * 1024;

export class Connection {
  /** As a user would write it. */
  readonly address: string;
  /** Resolves to the protocol, `Z5` or `M5`, when the server's greeting was accepted and answered. */
  readonly greeted: Promise<string>;
  /** Resolves when the socket is gone. */
  readonly released: Promise<void>;

  readonly #socket: Socket;
  readonly #session: ClientSession;
  readonly #pending = new PendingCalls();
  #lastId = 0;
  /** A number from the beginning: in a field that was ever anything else each is an object of its own. */
  #lastReceivedAt = Number.NaN;
  #ports: SocketPorts | undefined;
  #failure: Error | undefined;
  #observer: ConnectionObserver | undefined;
  #queued = new NotificationQueue();
  #draining: Promise<void> | undefined;
  #settleGreeting!: { resolve: (protocol: string) => void; reject: (error: Error) => void };

  /** Starts to connect. */
  constructor(address: Address, { maxFrameBytes, tls }: ConnectionOptions = {}) {
    this.address = formatAddress(address);
    this.#session = new ClientSession({ maxFrameBytes, reusedMemory });
    this.greeted = new Promise((resolve, reject) => {
      this.#settleGreeting = { resolve, reject };
    });
    // It may fail before anyone waits for it.
    this.greeted.catch(() => {});
    this.#socket = openSocketReusingMemory(address, tls, (chunk) => this.#receive(chunk));
    this.released = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    // After `destroy` these find a failure already there and change nothing.
    this.#socket.on('error', (error) =>
      this.destroy(socketFailure(this.#socket, this.address, error, this.#isSilent)),
    );
    this.#socket.on('end', () => this.destroy(this.#lost(farewell(this.#socket, this.#isSilent))));
    this.#socket.on('close', () => this.destroy(this.#lost('it was closed')));
  }

  /** Why it ended; `undefined` while it lives. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** When the last byte came, in milliseconds of `performance.now()`. */
  get lastReceivedAt(): number | undefined {
    return this.#isSilent ? undefined : this.#lastReceivedAt;
  }

  /** The ports of both ends; `undefined` for a unix domain socket. */
  get ports(): SocketPorts | undefined {
    // Kept: asking the socket is a good part of what a ping costs.
    this.#ports ??= portsOf(this.#socket);
    return this.#ports;
  }

  /** Whether no byte has come yet. */
  get #isSilent(): boolean {
    return Number.isNaN(this.#lastReceivedAt);
  }

  get outgoing(): Outgoing {
    return outgoingOf(this.#socket);
  }

  /** The last transaction that the server has told of while nobody observed. */
  get newestQueuedTid(): Uint8Array | undefined {
    return this.#queued.newestTid;
  }

  /** Delivers what was queued, at once and in order, and then everything as it comes. */
  observe(observer: ConnectionObserver): void {
    this.#observer = observer;
    for (const notification of this.#queued.drain()) observer.notified(notification);
  }

  /**
   * Calls the server and resolves to its reply.
   *
   * @throws ServerError what the server answered; KeepAliveError `ERR_ZEO_FRAME_TOO_LARGE` for a reply over
   *   `maxFrameBytes`; ClientDisconnected when the connection is or gets lost; `signal.reason` when it aborts first: a
   *   reply that comes later is ignored
   */
  call(method: string, args: readonly Value[], signal?: AbortSignal): Promise<Value> {
    return this.#call(true, method, args, signal);
  }

  /** A call whose reply is not looked at, which spares its decoding: that it came is what counts. */
  probe(method: string, args: readonly Value[], signal?: AbortSignal): Promise<unknown> {
    return this.#call(false, method, args, signal);
  }

  /**
   * A call whose reply is dealt with in the order of the wire: a promise would be resumed only after all that came in
   * the same chunk.
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
      this.#send(method, args, new PendingCall(this.#nextId(), true, settle, fail));
    });
  }

  /**
   * Tells the server something that it does not answer. What is told in one turn of the loop goes to the system
   * in one piece.
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

  /** Resolves when there is room for more to be written, or the connection is gone. */
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
   * Ends it at once. Does nothing when it has ended already.
   *
   * @param error why
   * @param rejection what pending calls reject with. Default: a ClientDisconnected caused by `error`
   */
  destroy(error: Error, rejection?: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket.destroy();
    const calls = this.#pending.drain();
    this.#queued = new NotificationQueue();
    this.#settleGreeting.reject(error);
    if (calls.length > 0) {
      const reason = rejection ?? this.#rejection(error);
      for (const call of calls) call.reject(reason);
    }
    this.#observer?.closed(error);
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
      this.#send(method, args, new PendingCall(this.#nextId(), wantsValue, resolve, reject), signal);
    });
  }

  #send(method: string, args: readonly Value[], call: PendingCall, signal?: AbortSignal): void {
    // Encode first: an argument that cannot be encoded leaves no trace.
    const frame = this.#session.encodeCall(call.id, method, args);
    if (signal !== undefined) call.abortWith(signal, () => this.#pending.remove(call));
    this.#pending.add(call);
    this.#socket.write(frame);
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
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
    // What comes after the end is of no interest any more.
    if (this.#failure !== undefined) return;
    switch (event.type) {
      case 'reply': {
        const call = this.#find(event.id);
        if (call === undefined) return;
        // First: a value that cannot be decoded throws, and the call must still be there to be rejected.
        const value = call.wantsValue ? event.value : null;
        this.#pending.remove(call);
        call.resolve(value);
        return;
      }
      case 'error':
      case 'oversized': {
        const call = this.#find(event.id);
        if (call === undefined) return;
        this.#pending.remove(call);
        call.reject(event.error);
        return;
      }
      case 'call': {
        const notification = readNotification(event.method, event.args);
        if (notification === undefined) return;
        if (this.#observer === undefined) this.#queued.add(notification);
        else this.#observer.notified(notification);
        return;
      }
      case 'handshake':
        this.#socket.write(this.#session.handshakeReply());
        this.#settleGreeting.resolve(event.protocol);
        return;
    }
  };

  /** `undefined` when the call was aborted, and this is its late reply. */
  #find(id: MessageId): PendingCall | undefined {
    if (typeof id === 'number' && id >= 1 && id <= this.#lastId) return this.#pending.find(id);
    throw new ProtocolError('The server answered a call that was never made');
  }

  #lost(how: string): Error {
    return new ClientDisconnected(`The connection to ${this.address} was lost: ${how}`);
  }

  #rejection(cause: Error): Error {
    return new ClientDisconnected(`The connection to ${this.address} was lost before the reply`, { cause });
  }
}
