import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import { ioredisClient } from 'zeo-keepalive/ioredis';
import { pgPool } from 'zeo-keepalive/pg';
import { programs } from '../socket-lab/servers/programs.js';
import type { ServerProgram } from '../socket-lab/servers/server-program.js';
import { executableOf, startServer } from '../socket-lab/servers/server-program.js';
import { freePort, host, missingProgram, QuickAgent, startReal, until } from './real-server.js';

const hangTimeout = 0.6;

/** PgBouncer in front of a server, in transaction mode: no connection of a client has one of the server for itself. */
const pgbouncer = (port: number, serverPort: number): ServerProgram => ({
  debianPackage: 'pgbouncer',
  executables: () => ['pgbouncer', '/usr/sbin/pgbouncer'],
  account: 'postgres',
  prepare(_executable, folder) {
    const lines = [
      '[databases]',
      `postgres = host=${host} port=${serverPort} user=postgres`,
      '[pgbouncer]',
      `listen_addr = ${host}`,
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      'default_pool_size = 2',
    ];
    writeFileSync(`${folder}/pgbouncer.ini`, `${lines.join('\n')}\n`);
  },
  args: (folder) => [`${folder}/pgbouncer.ini`],
  readyLine: /process up/,
  endSignal: 'SIGTERM',
});

/** A standby that serves reads, which has replayed all that there is. */
const hotStandby = (port: number): ServerProgram => ({
  ...programs.postgresql,
  prepare(executable, folder) {
    programs.postgresql.prepare?.(executable, folder);
    writeFileSync(`${folder}/data/standby.signal`, '');
  },
  // As many as those of the server that wrote its data, or it would serve nobody.
  args: (folder) => [...programs.postgresql.args(folder), '-c', 'max_wal_senders=10', '-p', `${port}`],
  readyLine: /ready to accept read-only connections/,
});

/** A monitor of one master, which takes it for dead after half a second. */
const sentinel = (port: number, masterPort: number): ServerProgram => ({
  debianPackage: 'redis-server',
  executables: () => ['redis-server'],
  account: 'redis',
  prepare(_executable, folder) {
    const lines = [
      `port ${port}`,
      `sentinel monitor orders ${host} ${masterPort} 1`,
      'sentinel down-after-milliseconds orders 500',
      'sentinel failover-timeout orders 3000',
    ];
    const file = `${folder}/sentinel.conf`;
    writeFileSync(file, `${lines.join('\n')}\n`);
    // It writes into it what it finds out.
    chmodSync(file, 0o666);
  },
  args: (folder) => [`${folder}/sentinel.conf`, '--sentinel'],
  readyLine: /\+monitor master/,
  endSignal: 'SIGTERM',
});

const missingBouncer = executableOf(pgbouncer(0, 0)) === undefined ? 'no pgbouncer' : undefined;

describe('The adapters with something between them and the server that they write to', {
  timeout: 120_000,
}, () => {
  it('ping through PgBouncer in transaction mode, and have it found when it hangs', {
    skip: missingProgram('postgresql') ?? missingBouncer ?? false,
  }, async (t) => {
    await using server = await startReal('postgresql');
    const port = await freePort();
    await using bouncer = await startServer(pgbouncer(port, server.port));
    await using quick = new QuickAgent();
    const pool = new pg.Pool({ host, port, user: 'postgres', database: 'postgres' });
    t.after(() => pool.end().catch(() => {}));
    pool.on('error', () => {});
    quick.registry.open('orders', pgPool(pool, { hangTimeout }));
    // More connections than PgBouncer has to the server.
    await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT pg_sleep(0.05)')));
    await Promise.all([1, 2, 3, 4, 5].map((number) => quick.pings(`orders/${number}`)));
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
    await client.query('COMMIT');
    client.release();
    assert.deepEqual(quick.deaths, []);
    bouncer.signal('SIGSTOP');
    await until(() => quick.deaths.length === 5);
    bouncer.signal('SIGCONT');
    assert.deepEqual(new Set(quick.deaths.map(({ diagnosis }) => diagnosis)), new Set(['peer-hangs']));
    await pool.query('SELECT 1');
  });

  it('ping a standby that can only be read', { skip: missingProgram('postgresql') ?? false }, async (t) => {
    const port = await freePort();
    await using _standby = await startServer(hotStandby(port));
    await using quick = new QuickAgent();
    const pool = new pg.Pool({ host, port, user: 'postgres', database: 'postgres', max: 1 });
    // Its server ends first.
    pool.on('error', () => {});
    t.after(() => pool.end());
    quick.registry.open('orders', pgPool(pool, { hangTimeout }));
    await assert.rejects(pool.query('CREATE TABLE orders ()'), /read-only transaction/);
    // The pool has ended that connection, as after every error.
    await pool.query('SELECT 1');
    await quick.pings('orders/2');
    assert.deepEqual([quick.names, quick.deaths], [['orders/2'], []]);
  });

  const skip = missingProgram('redis') ?? false;

  it('ping a replica that can only be read', { skip }, async (t) => {
    await using master = await startReal('redis');
    await using replica = await startReal('redis', ['--replicaof', `${host} ${master.port}`]);
    await using quick = new QuickAgent();
    const client = new Redis({ host, port: replica.port });
    t.after(() => client.disconnect());
    quick.registry.open('cache', ioredisClient(client, { hangTimeout }));
    await assert.rejects(client.set('key', 'value'), /READONLY/);
    await quick.pings('cache');
    assert.deepEqual([quick.deaths, quick.agent.status().connections[0]?.failures], [[], 0]);
  });

  it('have the master that hangs given up, so that Sentinel leads to the next one', { skip }, async (t) => {
    await using master = await startReal('redis');
    await using replica = await startReal('redis', ['--replicaof', `${host} ${master.port}`]);
    const port = await freePort();
    await using _sentinel = await startServer(sentinel(port, master.port));
    await using quick = new QuickAgent();
    const admin = new Redis({ host, port });
    const client = new Redis({
      sentinels: [{ host, port }],
      name: 'orders',
      sentinelRetryStrategy: () => 100,
    });
    t.after(() => [admin, client].map((redis) => redis.disconnect()));
    client.on('error', () => {});
    admin.on('error', () => {});
    quick.registry.open('cache', ioredisClient(client, { hangTimeout }));
    await quick.pings('cache');
    // Without a replica that it knows of there is nobody to promote.
    while (`${await admin.call('SENTINEL', 'REPLICAS', 'orders')}` === '');
    const back = once(quick.agent, 'connectionBack');
    master.signal('SIGSTOP');
    t.after(() => master.signal('SIGCONT'));
    await back;
    await until(() => client.stream.remotePort === replica.port);
    assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
    assert.equal(await client.set('key', 'value'), 'OK');
    await quick.pings('cache');
    master.signal('SIGCONT');
  });
});
