import { ProtocolError } from '../model/errors.js';
import type { MessageId } from '../zeo/encoding/values.js';
import { ClientSession, type Encoding, type Protocol, ServerSession } from '../zeo/protocol/index.js';

/** What precedes a registration takes a few hundred bytes. */
const maxFrameBytes = 64 * 1024;

/**
 * Follows what a client and its server say to each other until the server has accepted the client's registration: before
 * that it ends a connection on which it is asked for anything else, so that there can be no ping.
 *
 * It only listens: what the two do not agree on is theirs to find out.
 */
export class Registration {
  readonly #server = new ClientSession({ maxFrameBytes });
  readonly #calls = new Set<MessageId>();
  #client: ServerSession | undefined;
  #isAccepted = false;
  /** A client that only asks how the server is does not register. */
  #isHealthCheck = false;
  /** Whether the client has asked for anything else than a registration, or was refused one. */
  #isPastRegistering = false;
  #fault: ProtocolError | undefined;

  /** What the server has greeted with. */
  get protocol(): Protocol | undefined {
    return this.#server.protocol;
  }

  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  /** Whether the server owes the answer to a registration. */
  get isAwaited(): boolean {
    return this.#calls.size > 0;
  }

  /** Whether it is the server that has failed if it ends the connection now: it was asked for nothing but a registration. */
  get isServersFault(): boolean {
    const isOver = this.#isAccepted || this.#isHealthCheck || this.#isPastRegistering;
    return !isOver && this.#fault === undefined;
  }

  /** Why it cannot be followed any more. */
  get fault(): ProtocolError | undefined {
    return this.#fault;
  }

  receiveFromServer(chunk: Uint8Array): void {
    this.#follow(() =>
      this.#server.receive(chunk, (event) => {
        if (this.#isAccepted) return;
        if (event.type === 'handshake')
          this.#client = new ServerSession({ encoding: event.protocol[0] as Encoding, maxFrameBytes });
        if (event.type !== 'reply' && event.type !== 'error') return;
        const isOurs = this.#calls.delete(event.id);
        // A server that refuses to write may be asked again, to read only.
        if (isOurs && event.type === 'reply') this.#isAccepted = true;
        else this.#isPastRegistering = true;
      }),
    );
  }

  /** Only after the server's greeting. */
  receiveFromClient(chunk: Uint8Array): void {
    this.#follow(() =>
      this.#client?.receive(chunk, (event) => {
        if (event.type === 'ruok') this.#isHealthCheck = true;
        if (event.type !== 'call') return;
        if (!event.oneWay && event.method === 'register') this.#calls.add(event.id);
        else this.#isPastRegistering = true;
      }),
    );
  }

  #follow(receive: () => void): void {
    if (this.#fault !== undefined || this.#isAccepted || this.#isHealthCheck) return;
    try {
      receive();
    } catch (error) {
      // The fault is in what follows the accepted registration, which is not followed.
      if (this.#isAccepted) return;
      this.#calls.clear();
      this.#fault =
        error instanceof ProtocolError ? error : new ProtocolError('Unreadable', { cause: error });
    }
  }
}
