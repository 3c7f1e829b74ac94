// What Node itself serves. Run by a LabProcess.
//
// Each server knows three requests: `call` is answered at once, `wait N` after N seconds, and `compute N` after N seconds in
// which this process does nothing else.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { WebSocketServer } from 'ws';
import type { NodeServersConfig, ServersEvent } from '../messages.js';
import { ports } from './ports.js';

const report = (event: ServersEvent) => process.connected && process.send?.(event);
process.on('disconnect', () => process.exit());

const pair = JSON.parse(process.argv[2] as string) as NodeServersConfig;

function answer(request: string, send: (reply: string) => void): void {
  const [what, seconds = '0'] = request.trim().split(' ');
  const ms = Number(seconds) * 1000;
  if (what === 'wait') {
    setTimeout(send, ms, 'waited');
    return;
  }
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
  send('done');
}

/** Each data event is one request: clients wait for a reply before the next one. */
function speak(socket: net.Socket): void {
  socket.on('error', () => {});
  socket.on('data', (bytes) => answer(String(bytes), (reply) => void socket.write(reply)));
}

const respond: http.RequestListener = ({ url = '' }, response) => {
  answer(decodeURIComponent(url.slice(1)), (reply) => response.end(reply));
};

const httpServer = http.createServer(respond);
new WebSocketServer({ server: httpServer }).on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (message) => answer(String(message), (reply) => socket.send(reply)));
});
const http2Server = http2.createServer((request, response) => {
  answer(decodeURIComponent(request.url.slice(1)), (reply) => response.end(reply));
});
const servers: Readonly<Record<string, net.Server>> = {
  net: net.createServer(speak),
  tls: tls.createServer(pair, speak),
  http: httpServer,
  https: https.createServer(pair, respond),
  http2: http2Server,
  unread: net.createServer((socket) => socket.on('error', () => {}).pause()),
};
for (const server of [servers.http, servers.https] as http.Server[]) {
  // Connections are idle for as long as a test wants them to be.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
}
http2Server.on('sessionError', () => {});
for (const [name, server] of Object.entries(servers)) {
  server.on('clientError', () => {}).on('tlsClientError', () => {});
  server.listen(ports[name as keyof typeof ports], '0.0.0.0');
  await once(server, 'listening');
}
report({ type: 'listening' });
