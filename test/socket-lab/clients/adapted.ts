/* Clients that only the adapter lab has: each is pinged by another rule than those that an application commonly has. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { createClient } from 'redis';
import { ioredisClient } from 'zeo-keepalive/ioredis';
import { mysqlConnection } from 'zeo-keepalive/mysql2';
import { pgClient as adaptPgClient } from 'zeo-keepalive/pg';
import { redisClient } from 'zeo-keepalive/redis';
import { ports } from '../servers/ports.js';
import { type ClientKind, deadlineMs, heartbeatMs, reasonOf } from './client.js';
import { mysql2PoolKind, pgPoolKind } from './databases.js';

export const pgPoolOfTwenty = pgPoolKind({ max: 20 });
export const mysql2PoolOfTwenty = mysql2PoolKind({ max: 20 });

/** Opens a transaction and leaves it idle. */
async function transact(query: (text: string) => Promise<unknown>, seconds: number): Promise<void> {
  await query('begin');
  await query('select 1');
  await sleep(seconds * 1000);
  await query('select 1');
  await query('commit');
}

export const pgTransaction = pgPoolKind({
  async wait(pool, seconds) {
    const client = await pool.connect();
    try {
      await transact((text) => client.query(text), seconds);
    } finally {
      client.release();
    }
  },
});

export const mysql2Transaction = mysql2PoolKind({
  async wait(pool, seconds) {
    const connection = await pool.getConnection();
    try {
      await transact((text) => connection.query(text), seconds);
    } finally {
      connection.release();
    }
  },
});

const pgClientKind = (
  wait = (client: pg.Client, seconds: number): Promise<unknown> =>
    client.query('select pg_sleep($1)', [seconds]),
): ClientKind => ({
  reconnects: false,
  async connect({ host, setup, onLost }) {
    const shortest: pg.ClientConfig = {
      query_timeout: deadlineMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: heartbeatMs,
    };
    const client = new pg.Client({
      ...{ host, port: ports.postgresql, user: 'postgres', database: 'postgres' },
      ...(setup === 'shortest' ? shortest : {}),
    });
    let reason: unknown;
    client.on('error', (error) => {
      // A second one follows when the stream ends.
      reason ??= error;
    });
    client.on('end', () => onLost(reasonOf(reason)));
    await client.connect();
    return {
      call: () => client.query('select 1'),
      wait: (seconds) => wait(client, seconds),
      adapt: () => adaptPgClient(client),
      close: () => void client.end().catch(() => {}),
    };
  },
});

export const pgClient = pgClientKind();
export const pgClientTransaction = pgClientKind((client, seconds) =>
  transact((text) => client.query(text), seconds),
);

export const mysql2Connection: ClientKind = {
  reconnects: false,
  async connect({ host, setup, onLost }) {
    const shortest: mysql.ConnectionOptions = {
      enableKeepAlive: true,
      keepAliveInitialDelay: heartbeatMs,
    };
    const timeout = setup === 'shortest' ? { timeout: deadlineMs } : {};
    const connection = await mysql.createConnection({
      ...{ host, port: ports.mariadb, user: 'root' },
      ...(setup === 'shortest' ? shortest : {}),
    });
    connection.on('error', (error: unknown) => onLost(reasonOf(error)));
    return {
      call: () => connection.query({ sql: 'select 1', ...timeout }),
      wait: (seconds) => connection.query('select sleep(?)', [seconds]),
      adapt: () => mysqlConnection(connection),
      close: () => connection.destroy(),
    };
  },
};

export const nodeRedis: ClientKind = {
  reconnects: true,
  async connect({ host, setup, onLost }) {
    const shortest = { pingInterval: heartbeatMs, commandOptions: { timeout: deadlineMs } };
    const client = createClient({
      socket: { host, port: ports.redis, ...(setup === 'shortest' ? { socketTimeout: deadlineMs } : {}) },
      ...(setup === 'shortest' ? shortest : {}),
    });
    client.on('error', (error) => onLost(reasonOf(error)));
    await client.connect();
    return {
      call: () => client.ping(),
      wait: (seconds) => client.blPop('nothing is pushed to it', seconds),
      adapt: () => redisClient(client),
      close: () => client.destroy(),
    };
  },
};

const script = 'for _ = 1, tonumber(ARGV[1]) do end';

/** Its long call keeps the whole server from answering anybody. */
export const redisScript: ClientKind = {
  reconnects: true,
  async connect({ host, onLost }) {
    const redis = new Redis({ host, port: ports.redis });
    redis.on('error', () => {});
    redis.on('close', () => onLost('closed'));
    await redis.ping();
    const turnsPerSecond = await speedOf(redis);
    return {
      call: () => redis.ping(),
      wait: (seconds) => redis.eval(script, 0, Math.round(seconds * turnsPerSecond)),
      adapt: () => ioredisClient(redis),
      close: () => redis.disconnect(),
    };
  },
};

/** How often a second the script's loop turns on this machine: within a script, Redis may hold its clock. */
async function speedOf(redis: Redis): Promise<number> {
  const turns = 20_000_000;
  const startMs = performance.now();
  await redis.eval(script, 0, turns);
  return (turns * 1000) / (performance.now() - startMs);
}
