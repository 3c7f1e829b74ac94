import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { callListeners } from '../../async/contain.js';
import { ProtocolError } from '../../model/errors.js';
import { longestSeconds, mismatch, numeric } from '../../model/option-check.js';
import type { Encoding } from '../encoding/codec.js';
import { MemoryStorage } from '../memory-storage/memory-storage.js';
import type { IncomingCall } from './call-dispatcher.js';
import type { Served } from './client-state.js';
import { Listener } from './listener.js';
import { ServerConnection } from './server-connection.js';

export interface ZeoServerOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** The path of a unix socket, instead of `host` and `port`. */
  readonly path?: string;
  /** `Z5` speaks pickle, `M5` msgpack; a server offers one. Default `Z5`. */
  readonly encoding?: 'Z5' | 'M5';
  /** The ids of the storages to create, or the storages of another server to reuse. Default `['1']`. */
  readonly storages?: Iterable<string> | ReadonlyMap<string, MemoryStorage>;
  /** Refuses clients that want to write; {@link ZeoServer.readOnly} changes it later. Default `false`. */
  readonly readOnly?: boolean;
  /**
   * Speaks TLS, with Node's options: `key` and `cert` of the server, `ca` of the clients. As with ZEO's server a client
   * needs a certificate, which is the only authentication, unless `requestCert: false` says otherwise.
   */
  readonly tls?: TlsOptions;
  /**
   * Leaves conflicts to the clients: a vote answers with them, as ZEO's `client-conflict-resolution`. Default `false`:
   * the storage settles those that it can.
   */
  readonly clientConflictResolution?: boolean;
  /** A client whose transaction is larger than this, in bytes, is dropped. Default 1 GiB. */
  readonly maxTransactionBytes?: number;
  /**
   * How many seconds a client may hold the commit lock after its vote before it is dropped: ZEO's `transaction-timeout`.
   * Default: no limit.
   */
  readonly transactionTimeout?: number | undefined;
  /** The longest message that is accepted, in bytes. */
  readonly maxFrameBytes?: number;
  /** A client with more unread bytes than this is dropped. Default 64 MiB. */
  readonly maxBufferedBytes?: number;
  /** How many transactions a client may have missed and still be brought up to date. Default 100. */
  readonly invalidationQueueSize?: number;
}

/** A call as a test sees it. */
export interface ServerCall {
  readonly connection: ServerConnection;
  readonly method: string;
  /** The client expects no reply. */
  readonly oneWay: boolean;
}

export interface ZeoServerEvents {
  connection: [connection: ServerConnection];
  /** `error` is the cause, unless the client just closed the connection. */
  disconnection: [connection: ServerConnection, error: Error | undefined];
  /** A call was received and is about to be performed. A `silence()` here holds its reply back. */
  call: [call: ServerCall];
  /** A client broke the protocol and is dropped. `disconnection` follows. */
  clientError: [connection: ServerConnection, error: ProtocolError];
  /** A client's TLS handshake failed, e.g. because it has no certificate that is accepted. */
  tlsClientError: [error: Error];
}

/**
 * A ZEO server in memory, for tests and demonstrations.
 *
 * A listener that throws is reported as a process warning (`ZeoListenerWarning`), and the next one is called.
 *
 * @example
 * const server = await ZeoServer.listen();
 * const storage = await ClientStorage.open({ addresses: [server.address] });
 * server.storage('1').commit([{ oid: new Uint8Array(8), data: Buffer.from('hello') }]);
 * await server.close();
 */
export class ZeoServer extends EventEmitter<ZeoServerEvents> {
  /** By id. Hand them to the next server to restart with the same data. */
  readonly storages: ReadonlyMap<string, MemoryStorage>;
  readonly #options: ZeoServerOptions;
  readonly #encoding: Encoding;
  readonly #listener: Listener;
  readonly #served: Served & { readOnly: boolean };
  readonly #connections = new Set<ServerConnection>();
  #accepted = 0;
  #port = 0;

  /**
   * Starts a server; resolves when it accepts connections.
   *
   * Like any server it keeps the process alive until {@link close}.
   *
   * @throws Error the system's, e.g. with the code `EADDRINUSE`; RangeError for an unknown encoding, and for a
   *   timeout out of range.
   */
  static async listen(options: ZeoServerOptions = {}): Promise<ZeoServer> {
    const server = new ZeoServer(options);
    await server.#listen();
    return server;
  }

  private constructor(options: ZeoServerOptions) {
    super();
    this.#options = options;
    this.#encoding = encodingOf(options.encoding);
    this.storages = storagesOf(options);
    this.#served = {
      storages: this.storages,
      readOnly: options.readOnly ?? false,
      clientConflictResolution: options.clientConflictResolution ?? false,
      maxTransactionBytes: options.maxTransactionBytes ?? 1024 ** 3,
      transactionTimeoutMs: timeoutMsOf(options.transactionTimeout),
    };
    this.#listener = new Listener(options.tls, {
      accepted: (socket) => this.#accept(socket),
      refused: (error) => this.#tell('tlsClientError', error),
      failed: (error) => process.emitWarning(error),
    });
  }

  /** `host:port` or the path, as clients take it. */
  get address(): string {
    const { host } = this;
    if (this.#options.path !== undefined) return this.#options.path;
    return host.includes(':') ? `[${host}]:${this.#port}` : `${host}:${this.#port}`;
  }

  /** The host that it listens on, as configured. */
  get host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  /** The TCP port; 0 on a unix socket. */
  get port(): number {
    return this.#port;
  }

  /** Whether clients that want to write are refused. */
  get readOnly(): boolean {
    return this.#served.readOnly;
  }

  /** Applies to clients that register from now on; connected ones keep the access they have. */
  set readOnly(value: boolean) {
    this.#served.readOnly = value;
  }

  /** The open connections, oldest first. */
  get connections(): ReadonlySet<ServerConnection> {
    return this.#connections;
  }

  /** @throws RangeError for an unknown id. */
  storage(id = '1'): MemoryStorage {
    const storage = this.storages.get(id);
    if (storage === undefined) throw new RangeError(`The server has no storage ${JSON.stringify(id)}`);
    return storage;
  }

  /** Ends all connections and stops listening; resolves when both are done. May be called again. */
  async close(): Promise<void> {
    const { server } = this.#listener;
    const closed = server.listening ? once(server, 'close') : undefined;
    if (closed !== undefined) server.close();
    for (const connection of this.#connections) connection.destroy();
    this.#listener.destroyHandshakes();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listen(): Promise<void> {
    const { path, port = 0 } = this.#options;
    const { server } = this.#listener;
    server.listen(path === undefined ? { host: this.host, port } : { path });
    // `once` rejects if an error comes first.
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  #accept(socket: Socket): void {
    const { maxFrameBytes, maxBufferedBytes = 64 * 1024 * 1024 } = this.#options;
    this.#accepted += 1;
    const connection = new ServerConnection(
      this.#accepted,
      socket,
      this.#served,
      { encoding: this.#encoding, maxFrameBytes, maxBufferedBytes },
      {
        called: (connection, call) => this.#called(connection, call),
        closed: (connection, error) => this.#closed(connection, error),
      },
    );
    this.#connections.add(connection);
    this.#tell('connection', connection);
  }

  #called(connection: ServerConnection, { method, oneWay }: IncomingCall): void {
    this.#tell('call', { connection, method, oneWay });
  }

  #closed(connection: ServerConnection, error: Error | undefined): void {
    this.#connections.delete(connection);
    if (error instanceof ProtocolError) this.#tell('clientError', connection, error);
    this.#tell('disconnection', connection, error);
  }

  /** An exception of a listener, or the rejection of an async one, must not end the server or the connection: it is a warning. */
  #tell<Name extends keyof ZeoServerEvents>(name: Name, ...args: ZeoServerEvents[Name]): void {
    callListeners(this, name, args);
  }
}

function encodingOf(name: unknown = 'Z5'): Encoding {
  if (name === 'Z5') return 'Z';
  if (name === 'M5') return 'M';
  throw new RangeError(mismatch('Option encoding', 'Z5 or M5', name));
}

const timeout = numeric({ least: 0.001, most: longestSeconds, unit: 'seconds' });

function timeoutMsOf(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  const seconds = timeout.read(given);
  if (seconds !== undefined) return seconds * 1000;
  throw new RangeError(mismatch('Option transactionTimeout', timeout.expected, given));
}

function storagesOf({
  storages = ['1'],
  invalidationQueueSize,
}: ZeoServerOptions): ReadonlyMap<string, MemoryStorage> {
  if (storages instanceof Map) return storages;
  const options = invalidationQueueSize === undefined ? {} : { invalidationQueueSize };
  const ids = typeof storages === 'string' ? [storages] : (storages as Iterable<string>);
  return new Map(Array.from(ids, (id) => [id, new MemoryStorage({ ...options, name: id })]));
}
