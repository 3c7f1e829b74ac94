import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Channel, type Manner } from './channel.js';

/** What becomes of a new connection. */
export type Welcome =
  | { readonly kind: 'relayed'; readonly toServer?: Manner; readonly toClient?: Manner }
  /** Accepted, and never a byte. */
  | { readonly kind: 'mute' };

const pass: Manner = { kind: 'pass' };

/**
 * Stands between a client and its server on TCP, and does to their bytes what networks do.
 *
 * @example
 * const relay = await Relay.listen(server.address);
 * const storage = await ClientStorage.open(relay.address);
 * relay.current?.silence(); // the storage's server is gone, and nobody told it
 */
export class Relay extends EventEmitter<{ connection: [RelayedConnection] }> {
  /** Of new connections; those that there are stay as they are. */
  welcome: Welcome = { kind: 'relayed' };
  /** How many connections there were. */
  accepted = 0;
  readonly #target: { host: string; port: number };
  readonly #listener: Server;
  readonly #connections = new Set<RelayedConnection>();
  readonly #mute = new Set<Socket>();

  /** @param target `host:port` of the server; it need not be there yet. */
  static async listen(target: string): Promise<Relay> {
    const relay = new Relay(target);
    relay.#listener.listen({ host: '127.0.0.1', port: 0, backlog: 4096 });
    await once(relay.#listener, 'listening');
    return relay;
  }

  private constructor(target: string) {
    super();
    const colon = target.lastIndexOf(':');
    this.#target = { host: target.slice(0, colon), port: Number(target.slice(colon + 1)) };
    // What ends and when is decided by the channels.
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.address() as { port: number }).port}`;
  }

  /** Those that are open on the client's side, oldest first. */
  get connections(): ReadonlySet<RelayedConnection> {
    return this.#connections;
  }

  /** The newest of them. */
  get current(): RelayedConnection | undefined {
    return [...this.#connections].at(-1);
  }

  async close(): Promise<void> {
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#mute) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    client.on('error', () => {});
    if (this.welcome.kind === 'mute') {
      this.#mute.add(client);
      client.on('close', () => this.#mute.delete(client));
      client.on('end', () => client.destroy());
      client.resume();
      return;
    }
    const { toServer = pass, toClient = pass } = this.welcome;
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    server.on('error', () => {});
    const connection = new RelayedConnection(client, server, toServer, toClient);
    this.#connections.add(connection);
    client.on('close', () => this.#connections.delete(connection));
    this.emit('connection', connection);
  }
}

/** One client's connection through a {@link Relay}. */
export class RelayedConnection {
  readonly toServer: Channel;
  readonly toClient: Channel;
  readonly #client: Socket;
  readonly #server: Socket;

  constructor(client: Socket, server: Socket, toServer: Manner, toClient: Manner) {
    this.#client = client;
    this.#server = server;
    this.toServer = new Channel(client, server, toServer);
    this.toClient = new Channel(server, client, toClient);
    // Without a client the connection is over, however silent the way to the server is.
    client.on('close', () => server.destroy());
  }

  get isOpen(): boolean {
    return !this.#client.destroyed;
  }

  /** Nothing gets through any more, in either direction, while both sockets stay open. */
  silence(): void {
    this.toServer.manner = { kind: 'swallow' };
    this.toClient.manner = { kind: 'swallow' };
  }

  /** RST to both ends. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  /** FIN to the client, whose bytes still get through. */
  halfClose(): void {
    this.#client.end();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}
