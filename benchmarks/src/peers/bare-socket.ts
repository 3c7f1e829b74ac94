import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type Peer, period } from './peer.js';

/** The kernel's own keep-alive. */
export const bareSocket: Peer = {
  name: 'bare socket, setKeepAlive',
  settings: `setKeepAlive(true, ${period * 1000}); node:net has no more to set`,
  async serve() {
    const server = createServer((socket) => {
      socket.on('error', () => {}).pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  },
  async connect(host, port) {
    const socket = connect({ host, port });
    await once(socket, 'connect');
    socket.setKeepAlive(true, period * 1000);
    socket.on('error', () => {}).resume();
    return {
      lost: new Promise((resolve) => socket.once('close', () => resolve())),
      close: () => socket.destroy(),
    };
  },
};
