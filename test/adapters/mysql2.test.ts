import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import mysql from 'mysql2';
import promise from 'mysql2/promise';
import pg from 'pg';
import { mysqlConnection, mysqlPool } from 'zeo-keepalive/mysql2';
import { freePort, host, missingProgram, QuickAgent, startReal, until } from './real-server.js';

let server: Awaited<ReturnType<typeof startReal>>;
const config = () => ({ host, port: server.port, user: 'root' });

function openPool(t: TestContext): promise.Pool {
  const pool = promise.createPool(config());
  t.after(() => pool.end().catch(() => {}));
  return pool;
}

const skip = missingProgram('mariadb') ?? false;

describe('The adapter for mysql2', { skip, timeout: 120_000 }, () => {
  before(async () => {
    server = await startReal('mariadb');
  });
  after(() => server[Symbol.asyncDispose]());

  it('pings each connection of a pool that is free, under its number', async (t) => {
    await using quick = new QuickAgent();
    const pool = openPool(t);
    // The first was made before the pool was opened.
    await pool.query('SELECT 1');
    quick.registry.open('orders', mysqlPool(pool));
    const first = await pool.getConnection();
    await pool.query('SELECT 1');
    await quick.pings('orders/2', 3);
    assert.ok(!quick.answered.includes('orders/1'));
    first.release();
    await quick.pings('orders/1');
    await pool.end();
    await until(() => !quick.registry.opened.has('orders'));
    assert.deepEqual([quick.names, quick.deaths], [[], []]);
  });

  it('does not lose a connection during a query that takes longer than both timeouts', async (t) => {
    await using quick = new QuickAgent();
    const connection = mysql.createConnection(config());
    t.after(() => connection.destroy());
    // It is still connecting.
    quick.registry.open('orders', mysqlConnection(connection, { hangTimeout: 0.4 }));
    await quick.pings('orders');
    await connection.promise().query('SELECT SLEEP(1.2)');
    await quick.pings('orders');
    assert.deepEqual(quick.deaths, []);
  });

  it('has a server found that hangs, fails what is pending, and the pool goes on', async (t) => {
    await using quick = new QuickAgent();
    const pool = openPool(t);
    quick.registry.open('orders', mysqlPool(pool, { hangTimeout: 1 }));
    await pool.query('SELECT 1');
    await quick.pings('orders/1');
    server.signal('SIGSTOP');
    const resume = () => server.signal('SIGCONT');
    t.after(resume);
    await quick.log.line(({ msg }) => msg.startsWith('Keep alive for orders/1 was not answered in time'));
    await assert.rejects(pool.query('SELECT 1'), { code: 'ERR_KEEPALIVE_TIMEOUT' });
    assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
    resume();
    await pool.query('SELECT 1');
    await quick.pings('orders/2');
  });

  it('ends nothing but the connection when it has no listener for errors', async (t) => {
    const connection = mysql.createConnection(config());
    t.after(() => connection.destroy());
    await once(connection, 'connect');
    const target = mysqlConnection(connection) as EventEmitter & ReturnType<typeof mysqlConnection>;
    const closed = once(target, 'closed');
    // If no command runs, mysql2 emits it.
    target.drop(new Error('Silent'), target.generation);
    await closed;
    assert.equal(target.ready, false);
  });

  it('reports the loss of an idle connection to the listener of its errors', async (t) => {
    await using quick = new QuickAgent();
    const connection = await promise.createConnection(config());
    t.after(() => connection.destroy());
    quick.registry.open('orders', mysqlConnection(connection, { hangTimeout: 0.5 }));
    await quick.pings('orders');
    const lost = once(connection, 'error');
    server.signal('SIGSTOP');
    t.after(() => server.signal('SIGCONT'));
    const [error] = await lost;
    assert.equal(error.code, 'ERR_KEEPALIVE_TIMEOUT');
    await assert.rejects(connection.query('SELECT 1'), /closed state/);
  });

  it('takes a connection out that could not be made, so that the next one has its name', async (t) => {
    await using quick = new QuickAgent();
    const failing = mysql.createConnection({ ...config(), port: await freePort() });
    failing.on('error', () => {});
    quick.registry.open('orders', mysqlConnection(failing));
    await until(() => quick.registry.opened.size === 0);
    const connection = mysql.createConnection(config());
    t.after(() => connection.destroy());
    quick.registry.open('orders', mysqlConnection(connection));
    await quick.pings('orders');
  });

  it('refuses a connection that is closed', async () => {
    const connection = mysql.createConnection(config());
    await once(connection, 'connect');
    connection.destroy();
    await once((connection as unknown as { readonly stream: EventEmitter }).stream, 'close');
    assert.throws(() => mysqlConnection(connection), {
      code: 'ERR_KEEPALIVE_INVALID_ARGUMENT',
      message: /connection: expected a Connection that is not closed/,
    });
  });

  it('refuses what is not of mysql2, and the same one twice', (t) => {
    const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
    for (const other of [new pg.Pool(), {}, null] as unknown as mysql.Pool[]) {
      assert.throws(() => mysqlPool(other), { code, message: /pool: expected a Pool of mysql2;/ });
      const connection = other as unknown as mysql.Connection;
      assert.throws(() => mysqlConnection(connection), { code, message: /expected a Connection of mysql2;/ });
    }
    const pool = openPool(t);
    mysqlPool(pool.pool as unknown as mysql.Pool);
    assert.throws(() => mysqlPool(pool), { code, message: /one that has no adapter yet/ });
  });
});
