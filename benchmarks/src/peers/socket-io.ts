import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { type Peer, period, timeout } from './peer.js';

/** The server sends its clients the interval and the timeout when they connect. */
export const socketIo: Peer = {
  name: 'socket.io',
  settings: `pingInterval ${period * 1000}, pingTimeout ${timeout * 1000}`,
  async serve() {
    const http = createServer();
    new Server(http, { pingInterval: period * 1000, pingTimeout: timeout * 1000 });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return (http.address() as { port: number }).port;
  },
  async connect(host, port) {
    const socket = io(`http://${host}:${port}`, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('connect_error', reject);
    });
    return {
      lost: new Promise((resolve) => socket.once('disconnect', () => resolve())),
      close: () => void socket.disconnect(),
    };
  },
};
