import type { Socket } from 'node:net';
import { KeepAliveError, ProtocolError } from '../../model/errors.js';
import type { ServerError } from '../../zodb/pos-exception.js';
import type { MessageId, Value } from '../encoding/values.js';
import { type ServerEvent, ServerSession } from '../protocol/index.js';
import { CallDispatcher, type IncomingCall, type Replies } from './call-dispatcher.js';
import { ClientState, type Peer, type Served } from './client-state.js';

export interface ServerConnectionOptions {
  readonly encoding: 'Z' | 'M';
  readonly maxFrameBytes: number | undefined;
  /** A client with more unread bytes than this is dropped. */
  readonly maxBufferedBytes: number;
}

/** Receives the events of a connection. */
export interface ServerConnectionObserver {
  called(connection: ServerConnection, call: IncomingCall): void;
  /** Once, with the cause unless the client just closed it. */
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
  /** Received but not yet processed; only while silent. */
  #inbox: (ServerEvent | ProtocolError)[] = [];
  /** Not yet written; only while silent. */
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
    // With `allowHalfOpen` this class decides when to answer the client's end: not while silent.
    socket.on('end', () => {
      this.#ended = true;
      if (!this.#silent) socket.end();
    });
    socket.on('close', () => this.#close());
    this.#write(this.#session.greeting());
  }

  /** The client's name for itself; `undefined` if it has not sent one. */
  get label(): string | undefined {
    return this.#client.label;
  }

  /** The id of the storage that it registered for; `undefined` before that. */
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
   * Stops reading and writing while the socket stays open, like a peer that died without closing it. A call whose
   * `call` event is being handled is performed, but its reply is not sent.
   */
  silence(): void {
    this.#silent = true;
    this.#socket.pause();
  }

  /** Ends {@link silence}: sends what was held back, and processes what the client has sent meanwhile. */
  resume(): void {
    if (!this.#silent) return;
    this.#silent = false;
    const held = this.#outbox;
    this.#outbox = [];
    this.#outboxBytes = 0;
    for (const bytes of held) this.#write(bytes);
    this.#handleInbox();
    // A listener may have silenced it again.
    if (this.#silent) return;
    this.#socket.resume();
    if (this.#ended) this.#socket.end();
  }

  /** Closes the connection at once, without sending anything. */
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
      // Concerns this client only: it must not fail the commit of another one.
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
      // Calls before the malformed bytes are still performed.
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

  /** Stops as soon as a listener silences or destroys the connection. */
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
