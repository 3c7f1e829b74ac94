import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SocketMatcher } from '#src/sockets/matcher.js';
import { SocketWatcher, type SocketWatcherOptions } from '#src/sockets/socket-watcher.js';
import { rowsOf } from '../threads/socket-rows.js';

/** Watches what connects to this machine; looks often. */
export function watch(
  options: Partial<SocketWatcherOptions> = {},
  patterns = '127.0.0.0/8 [::1]',
): SocketWatcher {
  const matcher = SocketMatcher.fromVariable(patterns) as SocketMatcher;
  return new SocketWatcher({ matcher, periodMs: 5000, lookMs: 5, ...options });
}

/** Waits for a condition; the runner's own timeout ends a test for which it never comes true. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

/** The local ports of what is watched, in ascending order. */
export function watchedPorts({ table }: SocketWatcher): number[] {
  return rowsOf(table.reader)
    .map(({ localPort }) => localPort)
    .sort((a, b) => a - b);
}

/** A server, and the ports of those that are connected to it: what the watcher should have. */
export class PeerServer implements AsyncDisposable {
  readonly #server: net.Server;
  readonly sockets = new Set<net.Socket>();

  private constructor(server: net.Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async listen(server: net.Server = echoServer(), host = '127.0.0.1'): Promise<PeerServer> {
    const peer = new PeerServer(server);
    server.listen(0, host);
    await once(server, 'listening');
    return peer;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get clientPorts(): number[] {
    return Array.from(this.sockets, ({ remotePort = 0 }) => remotePort).sort((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

const echoServer = () =>
  net.createServer(
    { allowHalfOpen: true },
    (socket) => void socket.on('data', (chunk) => void socket.write(chunk)),
  );
