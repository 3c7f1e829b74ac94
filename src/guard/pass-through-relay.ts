import { setTimeout as sleep } from 'node:timers/promises';
import { ClientDisconnected } from '../model/errors.js';
import { probeDelayMs } from '../sockets/keep-alive-probes.js';
import { Relay, type RelayOptions } from './relay.js';
import { passOn, relayBufferBytes } from './relay-sockets.js';

/** A connection on which nothing has passed for this long is ended when the guard stops. */
const quietMs = 1000;

export interface PassThroughOptions extends RelayOptions {
  /** What the client has sent so far. */
  readonly received: readonly Uint8Array[];
  /** After how long without a byte the kernel is to probe the server. */
  readonly periodMs: number;
}

/**
 * With TLS between client and server themselves, into which nothing can be put: it is never pinged. To the agent it is a
 * connection with a request out from its beginning to its end, of which the kernel's table alone shows whether it is dead.
 */
export class PassThroughRelay extends Relay {
  readonly answersInOrder = true;
  readonly busy = true;
  readonly label = undefined;
  #lastReceivedAt = performance.now();

  constructor(options: PassThroughOptions) {
    super(options);
    const { received, periodMs } = options;
    const { client, server } = this;
    server.setKeepAlive(true, probeDelayMs(periodMs));
    this.join();
    for (const chunk of received) this.#receiveFromClient(chunk);
    client.on('data', (chunk) => this.#receiveFromClient(chunk));
    server.on('data', (chunk) => this.#receiveFromServer(chunk));
    for (const side of [client, server]) side.resume();
  }

  get ready(): boolean {
    return !this.isClosed;
  }

  get lastReceivedAt(): number {
    return this.#lastReceivedAt;
  }

  /** It is never called, as the connection is always `busy`. */
  ping(): Promise<never> {
    return Promise.reject(new ClientDisconnected('TLS that is passed through cannot be pinged'));
  }

  /** What is in TLS cannot be seen: the server may have answered all when nothing has passed for a while. */
  async drain(): Promise<void> {
    while (!this.isClosed) {
      const before = this.#passedBytes;
      await sleep(quietMs);
      if (this.#passedBytes === before) break;
    }
    if (!this.isClosed) this.reset(new ClientDisconnected('The guard was stopped'));
  }

  get #passedBytes(): number {
    const { fromClient, fromServer } = this.receivedBytes;
    return fromClient + fromServer;
  }

  #receiveFromClient(chunk: Uint8Array): void {
    passOn(chunk, this.server);
    if (this.server.writableLength >= relayBufferBytes) this.client.pause();
  }

  #receiveFromServer(chunk: Uint8Array): void {
    this.#lastReceivedAt = performance.now();
    passOn(chunk, this.client);
    if (this.client.writableLength >= relayBufferBytes) this.server.pause();
  }
}
