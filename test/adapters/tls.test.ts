import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { ioredisClient } from 'zeo-keepalive/ioredis';
import { mysqlConnection, mysqlPool } from 'zeo-keepalive/mysql2';
import { pgClient, pgPool } from 'zeo-keepalive/pg';
import { programs } from '../socket-lab/servers/programs.js';
import { SuiteCertificates } from '../tls/certificates.js';
import { host, missingProgram, QuickAgent, type RealServerName, startReal, until } from './real-server.js';

const hangTimeout = 0.6;
const code = 'ERR_KEEPALIVE_TIMEOUT';
const localhost = 'localhost';

describe('The adapters over TLS', { timeout: 120_000 }, () => {
  const certificates = SuiteCertificates.make();

  /** A server with TLS, which owns its files: some refuse a key that others may read. */
  function startWithTls(
    t: TestContext,
    name: RealServerName,
    flags: (cert: string, key: string, port: number) => string[],
  ) {
    const folder = mkdtempSync(path.join(tmpdir(), 'adapter-tls-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const uid = Number(execFileSync('id', ['-u', programs[name].account], { encoding: 'utf8' }));
    chownSync(folder, uid, -1);
    const { certFile, keyFile } = certificates.server;
    const own = [certFile, keyFile].map((file) => {
      const copy = path.join(folder, path.basename(file));
      cpSync(file, copy);
      chownSync(copy, uid, -1);
      chmodSync(copy, 0o600);
      return copy;
    });
    return startReal(name, (port) => flags(own[0] as string, own[1] as string, port));
  }

  it('ping pg, and have a server process found that hangs', {
    skip: missingProgram('postgresql') ?? false,
  }, async (t) => {
    await using server = await startWithTls(t, 'postgresql', (cert, key) => [
      ...['-c', 'ssl=on', '-c', `ssl_cert_file=${cert}`, '-c', `ssl_key_file=${key}`],
    ]);
    await using quick = new QuickAgent();
    const ssl = { ca: certificates.authority.cert, servername: localhost };
    const config = { host, port: server.port, user: 'postgres', database: 'postgres', ssl };
    const pool = new pg.Pool(config);
    t.after(() => pool.end().catch(() => {}));
    const client = new pg.Client(config);
    quick.registry.open('orders', pgPool(pool, { hangTimeout }));
    quick.registry.open('single', pgClient(client, { hangTimeout }));
    await client.connect();
    await pool.query('SELECT 1');
    await Promise.all([quick.pings('orders/1'), quick.pings('single')]);
    const { rows } = await pool.query('SELECT pid FROM pg_stat_ssl WHERE ssl');
    // Nobody listens for errors of the client, nor of the pool.
    const ended = new Promise((resolve) => client.once('end', resolve));
    for (const { pid } of rows) process.kill(pid, 'SIGSTOP');
    await ended;
    await until(() => quick.deaths.length === 2);
    for (const { pid } of rows) process.kill(pid, 'SIGCONT');
    await pool.query('SELECT 1');
    await quick.pings('orders/2');
    await pool.end();
  });

  it('ping mysql2, and have a server found that hangs', {
    skip: missingProgram('mariadb') ?? false,
  }, async (t) => {
    await using server = await startWithTls(t, 'mariadb', (cert, key) => [
      `--ssl-cert=${cert}`,
      `--ssl-key=${key}`,
    ]);
    await using quick = new QuickAgent();
    const ssl = { ca: certificates.authority.cert, rejectUnauthorized: false };
    const config = { host, port: server.port, user: 'root', ssl };
    const pool = mysql.createPool(config);
    t.after(() => pool.end());
    const connection = await mysql.createConnection(config);
    quick.registry.open('orders', mysqlPool(pool, { hangTimeout }));
    quick.registry.open('single', mysqlConnection(connection, { hangTimeout }));
    const [rows] = await pool.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
    assert.match(JSON.stringify(rows), /TLS_/);
    await Promise.all([quick.pings('orders/1'), quick.pings('single')]);
    const lost = once(connection, 'error');
    server.signal('SIGSTOP');
    const [error] = await lost;
    assert.equal(error.code, code);
    await until(() => quick.deaths.length === 2);
    server.signal('SIGCONT');
    await pool.query('SELECT 1');
    await quick.pings('orders/2');
  });

  it('ping ioredis, and have a server found that hangs', {
    skip: missingProgram('redis') ?? false,
  }, async (t) => {
    await using server = await startWithTls(t, 'redis', (cert, key, port) => [
      ...['--port', '0', '--tls-port', `${port}`],
      ...[
        '--tls-cert-file',
        cert,
        '--tls-key-file',
        key,
        '--tls-ca-cert-file',
        cert,
        '--tls-auth-clients',
        'no',
      ],
    ]);
    await using quick = new QuickAgent();
    const tls = { ca: certificates.authority.cert, servername: localhost };
    const client = new Redis({ host, port: server.port, tls });
    t.after(() => client.disconnect());
    client.on('error', () => {});
    quick.registry.open('cache', ioredisClient(client, { hangTimeout }));
    await quick.pings('cache');
    server.signal('SIGSTOP');
    await assert.rejects(client.get('key'), { code });
    assert.equal(quick.deaths[0]?.diagnosis, 'peer-hangs');
    server.signal('SIGCONT');
    await quick.pings('cache');
  });
});
