/*
 * One client's connection, relayed to a server and kept alive.
 *
 * Rules:
 * - What one side sends reaches the other one unchanged and in order, but for the pings and their answers.
 * - A side is read only while the other one takes what it is sent.
 * - An end is passed on as an end, a reset as a reset. Neither side outlives the other for long.
 * - `closed` is emitted once, never by `drop` itself: whoever drops it is still to report why.
 */
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { startDeadline } from '../async/deadline.js';
import { ClientDisconnected } from '../model/errors.js';
import type { KeepAliveTarget, Outgoing } from '../model/target.js';
import type { SocketPorts } from '../tcp/diagnosis.js';
import { outgoingOf, portsOf } from '../tcp/socket-view.js';
import { formatAddress } from '../zeo/connection/address.js';
import type { Encoding } from '../zeo/protocol/index.js';
import { AnswerFilter } from './answer-filter.js';
import type { Backend, Greeted } from './backend.js';
import { ClientLabel } from './client-label.js';
import { PingInjector, type PingMethod, type RequestSink } from './ping-injector.js';
import type { Registration } from './registration.js';
import { passOn, relayBufferBytes, reset } from './relay-sockets.js';

/** How long a connection of which one side has ended its half may be without a byte. */
const lingerMs = 30_000;

/** How long a server is left alone that greets and ends. It would greet again at once. */
const crashRestMs = 1000;

export interface RelayOptions {
  /** Unique among those of the guard. */
  readonly name: string;
  /** Paused. */
  readonly client: Socket;
  /** What the client has sent so far. */
  readonly received: readonly Uint8Array[];
  readonly backend: Backend;
  readonly greeted: Greeted;
  /** The server has twice that to answer a registration. */
  readonly timeoutMs: number;
  readonly pingMethod: PingMethod;
  /** From now on it can be pinged. */
  readonly onRegistered: (relay: Relay) => void;
}

export interface RelayEvents {
  /** The client has said how it calls itself. */
  labelled: [label: string];
  /** It has ended; `error` is why, if it was not closed in good order, or client and server did not understand each other. */
  closed: [error: Error | undefined];
}

export class Relay extends EventEmitter<RelayEvents> implements KeepAliveTarget {
  readonly name: string;
  readonly backend: Backend;
  /** Of the client: its address, and empty on a unix domain socket. */
  readonly clientAddress: string;
  /** There is one connection, and no other after it. */
  readonly generation = 1;
  readonly ignoresPingSignal = true;
  readonly #options: RelayOptions;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #injector: PingInjector;
  readonly #filter: AnswerFilter;
  #label: ClientLabel | undefined;
  #labelled: string | undefined;
  readonly #pings = new Map<number, () => void>();
  #registration: Registration | undefined;
  #endRegistrationDeadline: (() => void) | undefined;
  #lastReceivedAt = performance.now();
  #ports: SocketPorts | undefined;
  #error: Error | undefined;
  #isClosed = false;

  constructor(options: RelayOptions) {
    super();
    const { name, client, received, backend, greeted, pingMethod } = options;
    this.name = name;
    const { remoteAddress: host, remotePort: port } = client;
    this.clientAddress = host === undefined || port === undefined ? '' : formatAddress({ host, port });
    this.#options = options;
    this.#client = client;
    this.#server = greeted.socket;
    this.backend = backend;
    this.#registration = greeted.registration;
    const encoding = greeted.registration.protocol?.[0] as Encoding;
    this.#filter = new AnswerFilter(encoding, {
      pass: (bytes) => passOn(bytes, this.#client),
      answered: (id) => this.#answered(id),
    });
    const requests: RequestSink = {
      pass: (bytes) => passOn(bytes, this.#server),
      ping: (id, frame) => {
        this.#filter.expect(id);
        this.#server.write(frame);
      },
    };
    this.#injector = new PingInjector(encoding, requests, pingMethod);
    this.#label = new ClientLabel(encoding);
    this.#connect(this.#client, this.#server);
    this.#connect(this.#server, this.#client);
    for (const chunk of greeted.received) this.#filter.receive(chunk);
    for (const chunk of received) this.#receiveFromClient(chunk);
    client.on('data', (chunk) => this.#receiveFromClient(chunk));
    this.#server.on('data', (chunk) => this.#receiveFromServer(chunk));
    for (const side of [client, this.#server]) side.resume();
  }

  /** Whether it can be pinged. */
  get ready(): boolean {
    return this.#registration === undefined && !this.#isClosed;
  }

  /** How the client calls itself, if it does: printable, and not long. */
  get label(): string | undefined {
    return this.#labelled;
  }

  get address(): string {
    return this.backend.name;
  }

  /** How many bytes have come from either side, the answers to pings among them. They never decrease. */
  get receivedBytes(): { readonly fromClient: number; readonly fromServer: number } {
    return { fromClient: this.#client.bytesRead, fromServer: this.#server.bytesRead };
  }

  get socketPorts(): SocketPorts | undefined {
    this.#ports ??= portsOf(this.#server);
    return this.#ports;
  }

  /**
   * Also the present while nothing moves because of the client: it does not read, so the server is not read either; or a ping
   * waits for the end of the client's frame, and all that has come of that frame has been handed to the system.
   */
  get lastReceivedAt(): number {
    const isForClient =
      this.#server.isPaused() || (this.#injector.isWaiting && outgoingOf(this.#server).heldBackBytes === 0);
    if (isForClient) this.#lastReceivedAt = performance.now();
    return this.#lastReceivedAt;
  }

  get outgoing(): Outgoing {
    const { writtenBytes, heldBackBytes } = outgoingOf(this.#server);
    if (!this.#injector.isWaiting) return { writtenBytes, heldBackBytes };
    const bytesToPing = this.#injector.bytesToPing;
    // The client holds the ping up.
    if (heldBackBytes === 0 || bytesToPing === undefined)
      return { writtenBytes, heldBackBytes, isPingQueued: true };
    // The server, or the path to it, holds the ping up. The system knows more of that, if all up to the ping counts as written.
    return { writtenBytes: writtenBytes + bytesToPing, heldBackBytes: heldBackBytes + bytesToPing };
  }

  ping(): Promise<void> {
    return new Promise((resolve) => this.#pings.set(this.#injector.ping(), resolve));
  }

  /** The server is dead: its side is destroyed, by which the client's is reset, so that its calls fail at once. */
  drop(error: Error): void {
    if (this.#isClosed) return;
    this.#error ??= error;
    this.#server.destroy();
    this.backend.fail(error);
  }

  /**
   * Ends it when the server has answered what the client has asked for so far. That is when it answers a ping behind it: but
   * for what waits on the server, as a vote for another client's commit, answers come in order. Resolves when it has ended.
   */
  async drain(): Promise<void> {
    const closed = once(this, 'closed');
    while (this.ready) {
      const { bytesRead } = this.#client;
      await Promise.race([this.ping(), closed]);
      if (this.#client.bytesRead !== bytesRead || !this.#isBetweenFrames) continue;
      this.#client.destroySoon();
      this.#server.destroySoon();
      await closed;
    }
    if (!this.#isClosed) this.reset(new ClientDisconnected('The guard was stopped'));
  }

  /** Resets both sides. */
  reset(error: Error): void {
    this.#error ??= error;
    reset(this.#server);
    reset(this.#client);
  }

  get #isBetweenFrames(): boolean {
    return this.#injector.isBetweenFrames && this.#filter.isBetweenFrames;
  }

  #receiveFromClient(chunk: Uint8Array): void {
    this.#registration?.receiveFromClient(chunk);
    const fault = this.#registration?.fault;
    if (fault?.code === 'ERR_ZEO_NOT_ZEO') {
      this.reset(fault);
      return;
    }
    const goesWithPing = this.#injector.isWaiting;
    if (goesWithPing) this.#server.cork();
    this.#injector.receive(chunk);
    if (goesWithPing) this.#server.uncork();
    if (this.#server.writableLength >= relayBufferBytes) this.#client.pause();
    if (this.#registration !== undefined) this.#followRegistration(this.#registration);
    if (this.#label !== undefined) this.#followLabel(this.#label, chunk);
  }

  #followLabel(label: ClientLabel, chunk: Uint8Array): void {
    label.receive(chunk);
    if (!label.isOver) return;
    this.#label = undefined;
    if (label.value === undefined) return;
    this.#labelled = label.value;
    this.emit('labelled', label.value);
  }

  #receiveFromServer(chunk: Uint8Array): void {
    this.#lastReceivedAt = performance.now();
    this.#filter.receive(chunk);
    if (this.#client.writableLength >= relayBufferBytes) this.#server.pause();
    if (this.#registration === undefined) return;
    this.#registration.receiveFromServer(chunk);
    this.#followRegistration(this.#registration);
  }

  #followRegistration(registration: Registration): void {
    const { isAccepted, isAwaited } = registration;
    if (isAccepted) {
      this.#registration = undefined;
      if (!this.#isClosed) this.#options.onRegistered(this);
    }
    if (isAwaited && !isAccepted) this.#startRegistrationDeadline();
    else this.#stopRegistrationDeadline();
  }

  #startRegistrationDeadline(): void {
    const { timeoutMs } = this.#options;
    this.#endRegistrationDeadline ??= startDeadline(2 * timeoutMs, () => {
      const seconds = (2 * timeoutMs) / 1000;
      this.drop(new ClientDisconnected(`${this.address} did not answer a registration within ${seconds} s`));
    });
  }

  #stopRegistrationDeadline(): void {
    this.#endRegistrationDeadline?.();
    this.#endRegistrationDeadline = undefined;
  }

  #answered(id: number): void {
    const resolve = this.#pings.get(id);
    this.#pings.delete(id);
    resolve?.();
  }

  /** Passes on how one side ends, and that it takes more again. */
  #connect(side: Socket, other: Socket): void {
    side.on('drain', () => other.resume());
    side.on('end', () => {
      if (side === this.#server) {
        this.#filter.end();
        this.#serverEnded();
      }
      other.end();
      this.#finish();
      for (const socket of [side, other]) {
        socket.setTimeout(lingerMs, () => this.reset(new ClientDisconnected('One side did not end')));
      }
    });
    side.on('error', (error) => {
      this.#error ??= error;
      if (side === this.#server) this.#serverEnded();
    });
    side.on('close', () => {
      if (side.readableEnded && !side.errored) other.destroySoon();
      else reset(other);
      this.#finish();
    });
  }

  /** One that greets and ends, as in a loop of crashes, is down: its clients come back at once. */
  #serverEnded(): void {
    if (this.#isClosed || this.#registration?.isServersFault !== true) return;
    const error = new ClientDisconnected(
      `${this.address} greeted, and ended before it accepted a registration`,
    );
    this.#error ??= error;
    this.backend.fail(error, crashRestMs);
  }

  #finish(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopRegistrationDeadline();
    this.emit('closed', this.#error ?? this.#registration?.fault);
  }
}
