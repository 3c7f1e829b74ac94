import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { Redis } from 'ioredis';
import pg from 'pg';
import { request, Agent as UndiciAgent } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { rowsOf } from '../threads/socket-rows.js';
import { CertificateAuthority, type KeyPair } from '../tls/certificates.js';
import { PeerServer, until, watch, watchedPorts } from './watching.js';

/** What a client needs to end its connections again. */
type Close = () => unknown;

interface Scenario {
  readonly server: () => net.Server;
  /** Resolves when it is connected, with what closes it. */
  readonly connect: (port: number) => Promise<Close>;
}

let authority: CertificateAuthority;
let pair: KeyPair;

const respond = (_request: unknown, response: { end(text: string): unknown }) => void response.end('ok');
const ca = () => ({ ca: authority.cert });

/** Enough of PostgreSQL for a client to connect: AuthenticationOk and ReadyForQuery. */
const postgres = () =>
  net.createServer((socket) => {
    socket.once('data', () => socket.write(Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1')));
  });

/** Enough of Redis: each command, whatever it is, succeeds. */
const redis = () =>
  net.createServer((socket) => {
    socket.on('data', (chunk) => {
      for (const _command of chunk.toString('latin1').matchAll(/^\*\d+\r$/gm)) socket.write('+OK\r\n');
    });
  });

async function httpExchange(send: typeof http.get, agent: http.Agent, url: string): Promise<Close> {
  const [response] = await once(send(url, { agent }), 'response');
  response.resume();
  await once(response, 'end');
  return () => agent.destroy();
}

async function http2Session(url: string, options?: http2.SecureClientSessionOptions): Promise<Close> {
  const session = http2.connect(url, options);
  await once(session, 'connect');
  return () => session.destroy();
}

const scenarios: Readonly<Record<string, Scenario>> = {
  'net.connect': {
    server: () => net.createServer(),
    async connect(port) {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return () => socket.destroy();
    },
  },
  'new net.Socket().connect': {
    server: () => net.createServer(),
    async connect(port) {
      const socket = new net.Socket().connect({ port, host: 'localhost', family: 4 });
      await once(socket, 'connect');
      return () => socket.destroy();
    },
  },
  'tls.connect': {
    server: () => tls.createServer(pair),
    async connect(port) {
      const socket = tls.connect({ port, host: '127.0.0.1', ...ca() });
      await once(socket, 'secureConnect');
      return () => socket.destroy();
    },
  },
  'http.Agent': {
    server: () => http.createServer(respond),
    connect: (port) =>
      httpExchange(http.get, new http.Agent({ keepAlive: true }), `http://127.0.0.1:${port}`),
  },
  'https.Agent': {
    server: () => https.createServer(pair, respond),
    connect: (port) =>
      httpExchange(https.get, new https.Agent({ keepAlive: true, ...ca() }), `https://127.0.0.1:${port}`),
  },
  'http2.connect': {
    server: () => http2.createServer(respond),
    connect: (port) => http2Session(`http://127.0.0.1:${port}`),
  },
  'http2.connect with TLS': {
    server: () => http2.createSecureServer(pair, respond),
    connect: (port) => http2Session(`https://127.0.0.1:${port}`, ca()),
  },
  fetch: {
    server: () => http.createServer(respond),
    async connect(port) {
      await (await fetch(`http://127.0.0.1:${port}`)).text();
      // Its pool is Node's own; the server ends the connection.
      return () => {};
    },
  },
  undici: {
    server: () => http.createServer(respond),
    async connect(port) {
      const dispatcher = new UndiciAgent();
      const { body } = await request(`http://127.0.0.1:${port}`, { dispatcher });
      await body.text();
      return () => dispatcher.destroy();
    },
  },
  'undici with TLS': {
    server: () => https.createServer(pair, respond),
    async connect(port) {
      const dispatcher = new UndiciAgent({ connect: ca() });
      const { body } = await request(`https://127.0.0.1:${port}`, { dispatcher });
      await body.text();
      return () => dispatcher.destroy();
    },
  },
  ws: {
    server() {
      const server = http.createServer();
      new WebSocketServer({ server });
      return server;
    },
    async connect(port) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      await once(socket, 'open');
      return () => socket.terminate();
    },
  },
  pg: {
    server: postgres,
    async connect(port) {
      const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'a', database: 'a' });
      pool.on('error', () => {});
      const client = await pool.connect();
      return () => {
        client.release(true);
        return pool.end();
      };
    },
  },
  ioredis: {
    server: redis,
    async connect(port) {
      const client = new Redis({ port, host: '127.0.0.1', enableReadyCheck: false });
      await once(client, 'ready');
      return () => client.disconnect();
    },
  },
};

describe('Outgoing connections are found', () => {
  before(async () => {
    authority = await CertificateAuthority.create();
    pair = await authority.server();
  });
  after(() => authority.remove());

  for (const [name, { server, connect }] of Object.entries(scenarios)) {
    it(`once each, until they are closed: ${name}`, async () => {
      using watcher = watch();
      const peer = await PeerServer.listen(server());
      const close = await connect(peer.port);
      const ports = peer.clientPorts;
      assert.equal(ports.length, 1);
      await until(() => watcher.table.reader.count > 0);
      assert.deepEqual(watchedPorts(watcher), ports);
      const [row] = rowsOf(watcher.table.reader);
      assert.equal(row?.remotePort, peer.port);
      assert.equal(watcher.destination(row?.slot as number)?.address, '127.0.0.1');
      await close();
      await peer[Symbol.asyncDispose]();
      await until(() => watcher.table.reader.count === 0);
    });
  }
});
