import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { ports } from '../servers/ports.js';
import {
  type Client,
  type ClientKind,
  type ClientOptions,
  deadlineMs,
  heartbeatMs,
  reasonOf,
} from './client.js';

const socketKind = (
  open: (options: ClientOptions) => net.Socket,
  connected: 'connect' | 'secureConnect',
  longRequest = 'wait',
): ClientKind => ({
  reconnects: false,
  async connect(options): Promise<Client> {
    const { setup, onLost } = options;
    const socket = open(options);
    let reason: unknown;
    socket.on('error', (error) => {
      reason = error;
    });
    socket.on('close', () => onLost(reasonOf(reason)));
    await once(socket, connected);
    if (setup === 'shortest') socket.setKeepAlive(true, heartbeatMs);
    // A deadline on the socket itself would end a connection that is merely idle.
    const watchCall = (ms: number) => setup === 'shortest' && socket.setTimeout(ms);
    socket.on('timeout', () => socket.destroy(new Error('timeout')));
    const exchange = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const lost = () => reject(reason ?? new Error('closed'));
        socket.once('close', lost);
        socket.once('data', () => {
          watchCall(0);
          socket.off('close', lost);
          resolve();
        });
        watchCall(deadlineMs);
        socket.write(text);
      });
    await exchange('call');
    return {
      call: () => exchange('call'),
      wait: (seconds) => exchange(`${longRequest} ${seconds}`),
      close: () => socket.destroy(),
    };
  },
});

export const plainSocket = socketKind(
  ({ host, localPort }) =>
    net.connect({ host, port: ports.net, ...(localPort === undefined ? {} : { localPort }) }),
  'connect',
);

export const tlsSocket = socketKind(
  ({ host, ca }) => tls.connect({ host, port: ports.tls, ca, servername: 'localhost' }),
  'secureConnect',
);

/** Its long call keeps the whole process of the server busy. */
export const computingServer = socketKind(
  ({ host }) => net.connect({ host, port: ports.net }),
  'connect',
  'compute',
);

/** It writes more than both kernels hold to a server that does not read. */
export const unreadSocket: ClientKind = {
  reconnects: false,
  async connect({ host, onLost }): Promise<Client> {
    const socket = net.connect({ host, port: ports.unread });
    socket.on('error', () => {});
    socket.on('close', () => onLost('closed'));
    await once(socket, 'connect');
    socket.write(Buffer.alloc(16 * 1024 * 1024));
    return { call: () => new Promise(() => {}), close: () => socket.destroy() };
  },
};
