import type { SocketDeath } from '#src/threads/contract.js';
import type { Computer } from '../networks/network.js';
import { RemoteProcess } from '../processes/remote-process.js';

/** Configuration of `socket-host.ts`. */
export interface SocketHostConfig {
  /** Opens a socket to each of these addresses of the server; events identify it by its index. */
  readonly addresses: readonly string[];
  readonly localPorts?: Readonly<Record<number, number>>;
  readonly probeDelayMs: number;
  readonly timeoutMs: number;
}

/** Writes a number of bytes, all of them `first`. The reply is `wrote`. */
export interface SocketHostCommand {
  readonly socket: number;
  readonly bytes: number;
  readonly first: number;
}

interface Moment {
  readonly socket: number;
  /** By `systemClock`. */
  readonly atMs: number;
  /** How long in all the process had not run until then. */
  readonly stalledMs: number;
}

export type SocketHostEvent =
  | { readonly type: 'ready'; readonly pid: number }
  | ({ readonly type: 'wrote' } & Moment)
  | ({ readonly type: 'died'; readonly death: SocketDeath } & Moment)
  /** By itself. */
  | { readonly type: 'lost'; readonly socket: number; readonly by: string };

export class SocketHostProcess extends RemoteProcess<SocketHostCommand, SocketHostEvent> {
  /** Resolves when all sockets are connected and watched. */
  static async start(computer: Computer, config: SocketHostConfig): Promise<SocketHostProcess> {
    const host = new SocketHostProcess(computer, new URL('./socket-host.js', import.meta.url), config);
    await host.until('sockets that are connected', () => host.all('ready').length > 0, 60_000);
    return host;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.all('ready')[0]?.pid as number, signal);
  }

  /** Resolves to the moment of the write. */
  async write(socket: number, { bytes = 100, first = 0 } = {}): Promise<Moment> {
    const before = this.all('wrote').length;
    this.send({ socket, bytes, first });
    await this.until('a write', () => this.all('wrote').length > before, 60_000);
    return this.all('wrote').at(-1) as Moment;
  }
}

/** First byte on a connection that the server must not read from. */
export const doNotRead = 1;

/** Blocks the server for `ms`. The reply is `computed`. */
export interface SocketServerCommand {
  readonly ms: number;
}
export type SocketServerEvent = { readonly type: 'listening' } | { readonly type: 'computed' };

export class SocketServer extends RemoteProcess<SocketServerCommand, SocketServerEvent> {
  static async start(computer: Computer): Promise<SocketServer> {
    const server = new SocketServer(computer, new URL('./socket-server.js', import.meta.url), {});
    await server.until('a server that listens', () => server.all('listening').length > 0, 60_000);
    return server;
  }

  async compute(ms: number): Promise<void> {
    const before = this.all('computed').length;
    this.send({ ms });
    await this.until('the end of a computation', () => this.all('computed').length > before, 60_000 + ms);
  }
}
