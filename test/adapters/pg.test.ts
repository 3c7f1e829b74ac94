import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import mysql from 'mysql2';
import pg from 'pg';
import { pgClient, pgPool } from 'zeo-keepalive/pg';
import { host, missingProgram, QuickAgent, startReal, until } from './real-server.js';

let server: Awaited<ReturnType<typeof startReal>>;
const config = () => ({ host, port: server.port, user: 'postgres', database: 'postgres' });

/** Stops the process that serves one connection; it goes on at the end of the test. */
function stopBackend(t: TestContext, client: pg.PoolClient | pg.Client): () => void {
  const { processID } = client as unknown as { readonly processID: number };
  const signal = (name: NodeJS.Signals) => void process.kill(processID, name);
  signal('SIGSTOP');
  let isStopped = true;
  const resume = () => {
    if (isStopped) signal('SIGCONT');
    isStopped = false;
  };
  t.after(resume);
  return resume;
}

function openPool(t: TestContext, options: pg.PoolConfig = {}) {
  const pool = new pg.Pool({ ...config(), ...options });
  t.after(() => pool.end().catch(() => {}));
  return pool;
}

async function openClient(t: TestContext, options: pg.ClientConfig = {}) {
  const client = new pg.Client({ ...config(), ...options });
  t.after(() => client.end().catch(() => {}));
  await client.connect();
  return client;
}

const skip = missingProgram('postgresql') ?? false;

describe('The adapter for pg', { skip, timeout: 120_000 }, () => {
  before(async () => {
    server = await startReal('postgresql');
  });
  after(() => server[Symbol.asyncDispose]());

  describe('of a Pool', () => {
    it('pings each connection that is checked in, under its number', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t);
      // The first was made before the pool was opened.
      await pool.query('SELECT 1');
      quick.registry.open('orders', pgPool(pool));
      await Promise.all([pool.query('SELECT pg_sleep(0.1)'), pool.query('SELECT pg_sleep(0.1)')]);
      await Promise.all([quick.pings('orders/1'), quick.pings('orders/2')]);
      assert.deepEqual(quick.names, ['orders/1', 'orders/2']);
      assert.equal(quick.agent.status().connections[0]?.address, `${host}:${server.port}`);
      assert.equal(quick.agent.status().connections[0]?.hangTimeoutMs, 30_000);
    });

    it('pings a connection once that was being made when it was given the pool', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t);
      const made = pool.query('SELECT 1');
      assert.equal(pool.totalCount, 1);
      quick.registry.open('orders', pgPool(pool));
      await made;
      await quick.pings('orders/1');
      assert.deepEqual(quick.names, ['orders/1']);
    });

    it('leaves a connection alone while it is checked out', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t);
      quick.registry.open('orders', pgPool(pool));
      const client = await pool.connect();
      const other = await pool.connect();
      other.release();
      await client.query('BEGIN');
      await quick.pings('orders/2', 3);
      // After a SELECT of ours, this would fail.
      await client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
      await client.query('COMMIT');
      assert.ok(!quick.answered.includes('orders/1'));
      client.release();
      await quick.pings('orders/1', 1);
    });

    it('does not touch a transaction that was left open when a connection was checked in', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t, { max: 1 });
      quick.registry.open('orders', pgPool(pool));
      const client = await pool.connect();
      await client.query('BEGIN');
      client.release();
      await quick.pings('orders/1');
      // After a SELECT of ours, this would fail.
      await pool.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
      await pool.query('ROLLBACK');
    });

    it('does not lose a connection during a query that takes longer than both timeouts', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t);
      quick.registry.open('orders', pgPool(pool, { hangTimeout: 0.4 }));
      await pool.query('SELECT 1');
      await quick.pings('orders/1');
      await pool.query('SELECT pg_sleep(1.2)');
      await quick.pings('orders/1');
      assert.deepEqual(quick.deaths, []);
    });

    it('has a server process found that hangs while the connection is idle', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t);
      quick.registry.open('orders', pgPool(pool, { hangTimeout: 1 }));
      const client = await pool.connect();
      client.release();
      await quick.pings('orders/1');
      stopBackend(t, client);
      await until(() => quick.deaths.length > 0);
      const [death] = quick.deaths;
      assert.deepEqual([death?.name, death?.diagnosis], ['orders/1', 'peer-hangs']);
      assert.ok((death?.silentMs ?? 0) >= 999, `silent for ${death?.silentMs} ms`);
      // Nobody listens for errors of the pool, and this process is still there; the pool makes another connection.
      await pool.query('SELECT 1');
      await quick.pings('orders/2');
      assert.deepEqual(quick.names, ['orders/2']);
    });

    it('fails a query that waits behind a ping of a server that hangs', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t, { max: 1 });
      quick.registry.open('orders', pgPool(pool, { hangTimeout: 1 }));
      const client = await pool.connect();
      client.release();
      await quick.pings('orders/1');
      stopBackend(t, client);
      await quick.log.line(({ msg }) => msg.startsWith('Keep alive for orders/1 was not answered in time'));
      await assert.rejects(pool.query('SELECT 1'), { code: 'ERR_KEEPALIVE_TIMEOUT', retryable: true });
      await pool.query('SELECT 1');
    });

    it('keeps the connection to a server that answers later than the timeout', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t, { query_timeout: 100 });
      quick.registry.open('orders', pgPool(pool));
      const client = await pool.connect();
      client.release();
      await quick.pings('orders/1');
      const resume = stopBackend(t, client);
      await quick.log.line(({ msg }) => msg.startsWith('Keep alive for orders/1 was not answered in time'));
      resume();
      await quick.pings('orders/1');
      assert.deepEqual([quick.deaths, quick.agent.status().connections[0]?.failures], [[], 0]);
    });

    it('takes connections out as the pool closes them, and itself when the pool ends', async (t) => {
      await using quick = new QuickAgent();
      const pool = openPool(t, { idleTimeoutMillis: 100 });
      quick.registry.open('orders', pgPool(pool));
      await pool.query('SELECT 1');
      await until(() => quick.names.length === 1);
      await until(() => quick.names.length === 0);
      await pool.query('SELECT 1');
      assert.deepEqual(quick.names, ['orders/2']);
      await pool.end();
      await until(() => !quick.registry.opened.has('orders'));
      assert.deepEqual([quick.names, quick.deaths], [[], []]);
    });

    it('refuses what is not a pool of pg, an ended one, and the same one twice', async (t) => {
      const expected = (what: RegExp) => ({ code: 'ERR_KEEPALIVE_INVALID_ARGUMENT', message: what });
      const others = [mysql.createPool({ host }), new pg.Client(), {}, null] as unknown as pg.Pool[];
      for (const other of others)
        assert.throws(() => pgPool(other), expected(/pool: expected a Pool of pg;/));
      const pool = openPool(t);
      pgPool(pool);
      assert.throws(() => pgPool(pool), expected(/one that has no adapter yet/));
      const ended = new pg.Pool(config());
      await ended.end();
      assert.throws(() => pgPool(ended), expected(/that has not ended/));
      assert.throws(() => pgPool(new pg.Pool(), { hangTimeout: -1 }), expected(/Option hangTimeout/));
    });
  });

  describe('of a Client', () => {
    it('pings it while it is idle, but not in a transaction', async (t) => {
      await using quick = new QuickAgent();
      const [client, other] = [await openClient(t), new pg.Client(config())];
      quick.registry.open('orders', pgClient(client));
      // This one connects later.
      quick.registry.open('other', pgClient(other));
      await other.connect();
      t.after(() => other.end());
      await Promise.all([quick.pings('orders'), quick.pings('other')]);
      await client.query('BEGIN');
      const { length } = quick.answered.filter((name) => name === 'orders');
      await quick.pings('other', 3);
      assert.equal(quick.answered.filter((name) => name === 'orders').length, length);
      await client.query('COMMIT');
      await quick.pings('orders');
      assert.deepEqual(quick.deaths, []);
    });

    it('ends nothing but the connection when the client has no listener for errors', async (t) => {
      await using quick = new QuickAgent();
      const client = await openClient(t);
      quick.registry.open('orders', pgClient(client, { hangTimeout: 0.5 }));
      await quick.pings('orders');
      stopBackend(t, client);
      await new Promise((resolve) => client.once('end', resolve));
      assert.deepEqual([quick.deaths.length, quick.registry.opened.size], [1, 0]);
      await until(() => client.listenerCount('error') === 0);
    });

    it('refuses what is not a client of pg, and one that has ended', async (t) => {
      const ended = await openClient(t);
      await ended.end();
      assert.throws(() => pgClient(ended), { message: /client: expected a Client that has not ended/ });
      const redis = new Redis({ lazyConnect: true });
      for (const other of [redis, {}, undefined] as unknown as pg.Client[])
        assert.throws(() => pgClient(other), {
          code: 'ERR_KEEPALIVE_INVALID_ARGUMENT',
          message: /client: expected a Client of pg/,
        });
    });
  });
});
