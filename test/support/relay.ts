import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Channel, type Manner } from './channel.js';

/** How a new connection is treated. */
export type Welcome =
  | { readonly kind: 'relayed'; readonly toServer?: Manner; readonly toClient?: Manner }
  /** Accepted, but never sent a byte. */
  | { readonly kind: 'mute' };

const pass: Manner = { kind: 'pass' };

/**
 * A TCP relay between a client and its server, which treats their bytes the way networks do.
 *
 * @example
 * const relay = await Relay.listen(server.address);
 * const storage = await ClientStorage.open(relay.address);
 * relay.current?.silence(); // the server is gone, and the storage has no way to know
 */
export class Relay extends EventEmitter<{ connection: [RelayedConnection] }> {
  /** How new connections are treated; existing ones stay as they are. */
  welcome: Welcome = { kind: 'relayed' };
  /** How many connections have been accepted. */
  accepted = 0;
  readonly #target: { host: string; port: number };
  readonly #listener: Server;
  readonly #connections = new Set<RelayedConnection>();
  readonly #mute = new Set<Socket>();

  /** @param target `host:port` of the server, which need not exist yet. */
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
    // The channels decide what ends and when.
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.address() as { port: number }).port}`;
  }

  /** The connections open on the client's side, oldest first. */
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
    // Without a client the connection is over, even if the direction to the server is silent.
    client.on('close', () => server.destroy());
  }

  get isOpen(): boolean {
    return !this.#client.destroyed;
  }

  /** Lets nothing through from now on, in either direction, while both sockets stay open. */
  silence(): void {
    this.toServer.manner = { kind: 'swallow' };
    this.toClient.manner = { kind: 'swallow' };
  }

  /** Sends RST to both ends. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  /** Sends FIN to the client, whose bytes still get through. */
  halfClose(): void {
    this.#client.end();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}
