import { once } from 'node:events';
import { startDeadline } from '../async/deadline.js';
import { ClientDisconnected } from '../model/errors.js';
import type { Outgoing } from '../model/target.js';
import { outgoingOf } from '../tcp/socket-view.js';
import type { Encoding } from '../zeo/protocol/index.js';
import { AnswerFilter } from './answer-filter.js';
import { ClientLabel } from './client-label.js';
import { PingInjector, type PingMethod, type RequestSink } from './ping-injector.js';
import type { Registration } from './registration.js';
import { Relay, type RelayOptions } from './relay.js';
import { passOn, relayBufferBytes } from './relay-sockets.js';

export interface ZeoRelayOptions extends RelayOptions {
  /** What client and server have sent so far. */
  readonly received: {
    readonly fromClient: readonly Uint8Array[];
    readonly fromServer: readonly Uint8Array[];
  };
  /** Past the greeting. */
  readonly registration: Registration;
  /** The server has twice that to answer a registration. */
  readonly timeoutMs: number;
  readonly pingMethod: PingMethod;
  /** From now on it can be pinged. */
  readonly onRegistered: (relay: ZeoRelay) => void;
  /** The server has not answered a registration in time. Afterwards the client is reset. */
  readonly onUnanswered: (relay: ZeoRelay, error: Error) => void;
}

/**
 * Pinged on the client's own connection: what one side sends reaches the other one unchanged and in order, but for the pings
 * and their answers.
 */
export class ZeoRelay extends Relay {
  readonly #options: ZeoRelayOptions;
  readonly #injector: PingInjector;
  readonly #filter: AnswerFilter;
  #label: ClientLabel | undefined;
  #labelled: string | undefined;
  readonly #pings = new Map<number, () => void>();
  #registration: Registration | undefined;
  #endRegistrationDeadline: (() => void) | undefined;
  #lastReceivedAt = performance.now();

  constructor(options: ZeoRelayOptions) {
    super(options);
    const { received, registration, pingMethod } = options;
    const { client, server } = this;
    this.#options = options;
    this.#registration = registration;
    const encoding = registration.protocol?.[0] as Encoding;
    this.#filter = new AnswerFilter(encoding, {
      pass: (bytes) => passOn(bytes, client),
      answered: (id) => this.#answered(id),
    });
    const requests: RequestSink = {
      pass: (bytes) => passOn(bytes, server),
      ping: (id, frame) => {
        this.#filter.expect(id);
        server.write(frame);
      },
    };
    this.#injector = new PingInjector(encoding, requests, pingMethod);
    this.#label = new ClientLabel(encoding);
    this.join();
    for (const chunk of received.fromServer) this.#filter.receive(chunk);
    for (const chunk of received.fromClient) this.#receiveFromClient(chunk);
    client.on('data', (chunk) => this.#receiveFromClient(chunk));
    server.on('data', (chunk) => this.#receiveFromServer(chunk));
    for (const side of [client, server]) side.resume();
  }

  /** Whether it can be pinged. */
  get ready(): boolean {
    return this.#registration === undefined && !this.isClosed;
  }

  get label(): string | undefined {
    return this.#labelled;
  }

  /**
   * Also the present while nothing moves because of the client: it does not read, so the server is not read either; or a ping
   * waits for the end of the client's frame, and all that has come of that frame has been handed to the system.
   */
  get lastReceivedAt(): number {
    const isForClient =
      this.server.isPaused() || (this.#injector.isWaiting && outgoingOf(this.server).heldBackBytes === 0);
    if (isForClient) this.#lastReceivedAt = performance.now();
    return this.#lastReceivedAt;
  }

  override get outgoing(): Outgoing {
    const { writtenBytes, heldBackBytes } = outgoingOf(this.server);
    if (!this.#injector.isWaiting) return { writtenBytes, heldBackBytes };
    const bytesToPing = this.#injector.bytesToPing;
    // The client holds the ping up.
    if (heldBackBytes === 0 || bytesToPing === undefined)
      return { writtenBytes, heldBackBytes, isPingQueued: true };
    // The server, or the path to it, holds the ping up. The system knows more of that, if all up to the ping counts as written.
    return { writtenBytes: writtenBytes + bytesToPing, heldBackBytes: heldBackBytes + bytesToPing };
  }

  ping(): Promise<void> {
    const id = this.#injector.ping();
    // A ping that waits for the end of the client's frame is that of all who ask meanwhile.
    const earlier = this.#pings.get(id);
    return new Promise((resolve) => {
      this.#pings.set(id, () => {
        earlier?.();
        resolve();
      });
    });
  }

  /**
   * The server has answered all when it answers a ping behind it: but for what waits on the server, as a vote for another
   * client's commit, answers come in order.
   */
  async drain(): Promise<void> {
    const closed = once(this, 'closed');
    while (this.ready) {
      const { bytesRead } = this.client;
      await Promise.race([this.ping(), closed]);
      if (this.client.bytesRead !== bytesRead || !this.#isBetweenFrames) continue;
      this.endBoth();
      await closed;
    }
    if (!this.isClosed) this.reset(new ClientDisconnected('The guard was stopped'));
  }

  protected override get fault(): Error | undefined {
    return this.#registration?.fault;
  }

  protected override serverEnded(): void {
    this.#filter.end();
    this.serverFailed();
  }

  /** One that greets and ends, as in a loop of crashes, is down: its clients come back at once. */
  protected override serverFailed(): void {
    if (this.isClosed || this.#registration?.isServersFault !== true) return;
    const error = new ClientDisconnected(
      `${this.address} greeted, but ended the connection before it accepted a registration`,
    );
    this.noteError(error);
    void this.backend.suspect(error);
  }

  protected override finished(): void {
    this.#stopRegistrationDeadline();
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
    if (goesWithPing) this.server.cork();
    this.#injector.receive(chunk);
    if (goesWithPing) this.server.uncork();
    if (this.server.writableLength >= relayBufferBytes) this.client.pause();
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
    if (this.client.writableLength >= relayBufferBytes) this.server.pause();
    if (this.#registration === undefined) return;
    this.#registration.receiveFromServer(chunk);
    this.#followRegistration(this.#registration);
  }

  #followRegistration(registration: Registration): void {
    const { isAccepted, isAwaited } = registration;
    if (isAccepted) {
      this.#registration = undefined;
      if (!this.isClosed) this.#options.onRegistered(this);
    }
    if (isAwaited && !isAccepted) this.#startRegistrationDeadline();
    else this.#stopRegistrationDeadline();
  }

  #startRegistrationDeadline(): void {
    const { timeoutMs, onUnanswered } = this.#options;
    this.#endRegistrationDeadline ??= startDeadline(2 * timeoutMs, () => {
      const seconds = (2 * timeoutMs) / 1000;
      const error = new ClientDisconnected(
        `${this.address} did not answer a registration within ${seconds} s`,
      );
      this.noteError(error);
      this.server.destroy();
      onUnanswered(this, error);
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
}
