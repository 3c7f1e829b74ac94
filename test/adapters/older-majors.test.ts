import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { WebSocket as LatestWebSocket, WebSocketServer } from 'ws';
import { ioredisClient } from 'zeo-keepalive/ioredis';
import { mysqlConnection, mysqlPool } from 'zeo-keepalive/mysql2';
import { redisClient } from 'zeo-keepalive/redis';
import { webSocket } from 'zeo-keepalive/ws';
import type { RunningServer } from '../socket-lab/servers/server-program.js';
import { host, missingProgram, QuickAgent, startReal, until } from './real-server.js';

// The versions before those of the other tests. There is none of pg: version 7 does not connect on Node 14 and newer.
const require = createRequire(import.meta.url);
const { Redis } = require('ioredis5') as typeof import('ioredis');
const { createClient } = require('redis5') as typeof import('redis');
const mysql = require('mysql2-2/promise') as typeof import('mysql2/promise');
const WebSocket = require('ws7') as typeof LatestWebSocket & { readonly Server: typeof WebSocketServer };

const hangTimeout = 0.6;
const code = 'ERR_KEEPALIVE_TIMEOUT';

/** A stopped Redis is found, the call fails, and both work again when it goes on. */
async function hangs(server: RunningServer, quick: QuickAgent, get: () => Promise<unknown>): Promise<void> {
  server.signal('SIGSTOP');
  await assert.rejects(get(), { code });
  assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
  server.signal('SIGCONT');
  assert.equal(await get(), null);
  await quick.pings('cache');
}

describe('The adapters of the major versions before', { timeout: 60_000 }, () => {
  it('ping a client of ioredis 5, and have a server found that hangs', {
    skip: missingProgram('redis') ?? false,
  }, async (t) => {
    await using server = await startReal('redis');
    await using quick = new QuickAgent();
    const client = new Redis({ host, port: server.port });
    t.after(() => client.disconnect());
    client.on('error', () => {});
    await once(client, 'ready');
    quick.registry.open('cache', ioredisClient(client, { hangTimeout }));
    await quick.pings('cache');
    await hangs(server, quick, () => client.get('key'));
  });

  it('ping a client of redis 5, and have a server found that hangs', {
    skip: missingProgram('redis') ?? false,
  }, async (t) => {
    await using server = await startReal('redis');
    await using quick = new QuickAgent();
    const client = createClient({ socket: { host, port: server.port } });
    t.after(() => client.destroy());
    client.on('error', () => {});
    await client.connect();
    quick.registry.open('cache', redisClient(client, { hangTimeout }));
    await quick.pings('cache');
    await hangs(server, quick, () => client.get('key'));
  });

  it('ping a pool and a connection of mysql2 2, and have a server found that hangs', {
    skip: missingProgram('mariadb') ?? false,
  }, async (t) => {
    await using server = await startReal('mariadb');
    await using quick = new QuickAgent();
    const config = { host, port: server.port, user: 'root' };
    const pool = mysql.createPool(config);
    const connection = await mysql.createConnection(config);
    t.after(() => Promise.all([pool.end(), connection.destroy()]));
    quick.registry.open('orders', mysqlPool(pool, { hangTimeout }));
    quick.registry.open('single', mysqlConnection(connection, { hangTimeout }));
    await pool.query('SELECT 1');
    await Promise.all([quick.pings('orders/1'), quick.pings('single')]);
    server.signal('SIGSTOP');
    const [error] = await once(connection, 'error');
    assert.equal(error.code, code);
    await until(() => quick.deaths.length === 2);
    server.signal('SIGCONT');
    await pool.query('SELECT 1');
    await quick.pings('orders/2');
  });

  it('ping a WebSocket of ws 7, and have a peer found that hangs', async (t) => {
    const server = new WebSocket.Server({ port: 0, host });
    t.after(() => server.close());
    await once(server, 'listening');
    await using quick = new QuickAgent();
    const accepted = once(server, 'connection');
    const client = new WebSocket(`ws://${host}:${(server.address() as AddressInfo).port}`);
    quick.registry.open('feed', webSocket(client, { hangTimeout }));
    const [peer] = (await accepted) as [{ readonly _socket: Socket }];
    await quick.pings('feed');
    peer._socket.pause();
    const [status] = await once(client, 'close');
    assert.deepEqual([status, quick.deaths[0]?.diagnosis], [1006, 'peer-hangs']);
    peer._socket.destroy();
  });
});
