// Accepts connections and reads from them, except those that ask it not to. Run by SocketServer.
import { createServer } from 'node:net';
import { serverPort } from '../networks/network.js';
import type { SocketServerCommand, SocketServerEvent } from './socket-processes.js';
import { doNotRead } from './socket-processes.js';

const report = (event: SocketServerEvent) => process.connected && process.send?.(event);
process.on('disconnect', () => process.exit());

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (bytes) => {
    if (bytes[0] === doNotRead) socket.pause();
    else socket.resume();
  });
});
server.listen(serverPort, () => report({ type: 'listening' }));

process.on('message', ({ ms }: SocketServerCommand) => {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
  report({ type: 'computed' });
});
