import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { type Peer, period, timeout } from './peer.js';

/** Both halves as in the README of ws under "How to detect and close broken connections?". */
export const websocket: Peer = {
  name: 'ws, heartbeat of its README',
  settings: `server pings each ${period} s and expects a pong by the next; client expects a ping within ${period} + ${timeout} s`,
  async serve() {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    const alive = new WeakSet<WebSocket>();
    server.on('connection', (socket) => {
      alive.add(socket);
      socket.on('error', () => {});
      socket.on('pong', () => alive.add(socket));
    });
    setInterval(() => {
      for (const socket of server.clients) {
        if (!alive.delete(socket)) socket.terminate();
        else socket.ping();
      }
    }, period * 1000);
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  },
  async connect(host, port) {
    const socket = new WebSocket(`ws://${host}:${port}`);
    let overdue: NodeJS.Timeout | undefined;
    const heartbeat = () => {
      clearTimeout(overdue);
      overdue = setTimeout(() => socket.terminate(), (period + timeout) * 1000);
    };
    socket.on('error', () => {});
    socket.on('open', heartbeat).on('ping', heartbeat);
    const lost = new Promise<void>((resolve) => {
      socket.once('close', () => {
        clearTimeout(overdue);
        resolve();
      });
    });
    await once(socket, 'open');
    return { lost, close: () => socket.terminate() };
  },
};
