import type { Socket } from 'node:net';
import { KeepAliveError, ProtocolError, type ServerError } from '../../model/errors.js';
import type { MessageId, Value } from '../encoding/values.js';
import { type ServerEvent, ServerSession } from '../protocol/index.js';
import { CallDispatcher, type IncomingCall, type Replies } from './call-dispatcher.js';
import { ClientState, type Peer, type Served } from './client-state.js';

export interface ServerConnectionOptions {
  readonly encoding: 'Z' | 'M';
  readonly maxFrameBytes: number | undefined;
  /** How much may wait to be sent to a client that does not read, before it is dropped. */
  readonly maxBufferedBytes: number;
}

/** What becomes of a connection, for its server. */
export interface ServerConnectionObserver {
  called(connection: ServerConnection, call: IncomingCall): void;
  /** Once. `error` says why, unless the client just left. */
  closed(connection: ServerConnection, error: Error | undefined): void;
}

/** One client of a {@link ZeoServer}: the socket's side of it. */
export class ServerConnection implements Replies, Peer {
  /** Counted from 1, in the order in which the server accepted them. */
  readonly id: number;
  /** `host:port` of the client; empty on a unix socket. */
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #session: ServerSession;
  readonly #client: ClientState;
  readonly #dispatcher: CallDispatcher;
  readonly #observer: ServerConnectionObserver;
  readonly #maxBufferedBytes: number;
  /** Received and not yet looked at: more than nothing only while silent. */
  #inbox: (ServerEvent | ProtocolError)[] = [];
  /** Not yet written: more than nothing only while silent. */
  #outbox: Uint8Array[] = [];
  #outboxBytes = 0;
  #silent = false;
  #ended = false;
  #closed = false;
  #error: Error | undefined;

  constructor(
    id: number,
    socket: Socket,
    served: Served,
    options: ServerConnectionOptions,
    observer: ServerConnectionObserver,
  ) {
    this.id = id;
    this.remoteAddress =
      socket.remoteAddress === undefined ? '' : `${socket.remoteAddress}:${socket.remotePort}`;
    this.#socket = socket;
    const { encoding, maxFrameBytes } = options;
    this.#session = new ServerSession({
      encoding,
      ...(maxFrameBytes === undefined ? {} : { maxFrameBytes }),
    });
    this.#client = new ClientState(served, this);
    this.#dispatcher = new CallDispatcher(this.#client, this);
    this.#observer = observer;
    this.#maxBufferedBytes = options.maxBufferedBytes;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    // Only with `allowHalfOpen` is it this class that decides when the client's end is answered: not while silent.
    socket.on('end', () => {
      this.#ended = true;
      if (!this.#silent) socket.end();
    });
    socket.on('close', () => this.#close());
    this.#write(this.#session.greeting());
  }

  /** What the client calls itself; `undefined` if it said nothing. */
  get label(): string | undefined {
    return this.#client.label;
  }

  /** The id of the storage that it registered for; `undefined` before it has. */
  get storageId(): string | undefined {
    return this.#client.storageId;
  }

  get readOnly(): boolean {
    return this.#client.readOnly;
  }

  get isSilent(): boolean {
    return this.#silent;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * From now on nothing is read and nothing written, while the socket stays open: a peer that is dead without
   * anyone having been told. A call whose `call` event is being handled is done, but its reply is not sent.
   */
  silence(): void {
    this.#silent = true;
    this.#socket.pause();
  }

  /** Ends {@link silence}: what has been held back goes out, and what the client sent meanwhile is handled. */
  resume(): void {
    if (!this.#silent) return;
    this.#silent = false;
    const held = this.#outbox;
    this.#outbox = [];
    this.#outboxBytes = 0;
    for (const bytes of held) this.#write(bytes);
    this.#handleInbox();
    // Handling it may have brought a listener to silence it again.
    if (this.#silent) return;
    this.#socket.resume();
    if (this.#ended) this.#socket.end();
  }

  /** Ends the connection now, with nothing sent. */
  destroy(error?: Error): void {
    this.#error ??= error;
    this.#inbox = [];
    this.#socket.destroy();
  }

  /** @internal */
  reply(id: MessageId, value: Value): void {
    this.#write(this.#session.encodeReply(id, value));
  }

  /** @internal */
  error(id: MessageId, error: ServerError): void {
    this.#write(this.#session.encodeError(id, error.className, error.args as Value));
  }

  /** @internal */
  oneWay(method: string, args: readonly Value[]): void {
    try {
      this.#write(this.#session.encodeOneWay(method, args));
    } catch (error) {
      // It concerns this client; whoever is just committing must not hear of it.
      this.destroy(error as Error);
    }
  }

  /** @internal */
  drop(error: ProtocolError): void {
    this.destroy(error);
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#session.receive(chunk, (event) => this.#inbox.push(event));
    } catch (error) {
      // What came before the bad bytes is still handled, and only then the connection ended.
      this.#inbox.push(
        error instanceof ProtocolError ? error : new ProtocolError('Unreadable message', { cause: error }),
      );
    }
    this.#handleInbox();
  }

  #handleInbox(): void {
    for (let event = this.#next(); event !== undefined; event = this.#next()) {
      if (event instanceof ProtocolError) this.destroy(event);
      else this.#handle(event);
    }
  }

  /** Nothing, from the moment on when a listener silenced or destroyed the connection. */
  #next(): ServerEvent | ProtocolError | undefined {
    return this.#silent || this.#socket.destroyed ? undefined : this.#inbox.shift();
  }

  #handle(event: ServerEvent): void {
    if (event.type === 'call') {
      this.#observer.called(this, event);
      if (!this.#socket.destroyed) this.#dispatcher.dispatch(event);
    } else if (event.type === 'ruok') {
      const { storages, transactionTimeoutMs } = this.#client.served;
      const hasTimeout = transactionTimeoutMs !== undefined;
      const status = Object.fromEntries(
        Array.from(storages, ([id, storage]) => [id, storage.status(hasTimeout)]),
      );
      this.#write(this.#session.encodeRaw(Buffer.from(JSON.stringify(status))));
      this.#socket.destroySoon();
    }
  }

  #write(bytes: Uint8Array): void {
    if (this.#socket.destroyed) return;
    if (this.#outboxBytes + this.#socket.writableLength > this.#maxBufferedBytes) {
      this.destroy(new KeepAliveError('ERR_ZEO_DISCONNECTED', 'The client does not read what it is sent'));
      return;
    }
    if (this.#silent) {
      this.#outbox.push(bytes);
      this.#outboxBytes += bytes.byteLength;
    } else {
      this.#socket.write(bytes);
    }
  }

  #close(): void {
    this.#closed = true;
    this.#inbox = [];
    this.#outbox = [];
    this.#client.disconnected();
    this.#observer.closed(this, this.#error);
  }
}
