/** What sockets are connected to: a server that accepts and says nothing, and an HTTP server. */
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { serve } from '../harness/child.js';

export interface SocketServerPorts {
  readonly silent: number;
  readonly http: number;
}

const body = Buffer.alloc(100, 'x');
/** Many connect at once; and none is closed while it is idle. */
const backlog = 4096;

const api = {
  async listen(): Promise<SocketServerPorts> {
    const silent = createServer((socket) => socket.on('error', () => {}).resume());
    const http = createHttpServer({ keepAliveTimeout: 0 }, (_, response) => response.end(body));
    return { silent: await listen(silent), http: await listen(http) };
  },
};

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, backlog }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}

export type SocketServerApi = typeof api;
serve(api);
