import amqp from 'amqplib';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { amqpConnection } from 'zeo-keepalive/amqplib';
import { ioredisClient } from 'zeo-keepalive/ioredis';
import { mysqlPool } from 'zeo-keepalive/mysql2';
import { pgPool as adaptPgPool } from 'zeo-keepalive/pg';
import { ports } from '../servers/ports.js';
import { type ClientKind, deadlineMs, heartbeatMs, reasonOf } from './client.js';

/** How many connections a pool has, and what its long call is. */
interface PoolUse<Pool> {
  readonly max?: number;
  wait?(pool: Pool, seconds: number): Promise<unknown>;
}

export const pgPoolKind = ({
  max = 1,
  wait = (pool, seconds) => pool.query('select pg_sleep($1)', [seconds]),
}: PoolUse<pg.Pool> = {}): ClientKind => ({
  reconnects: true,
  async connect({ host, setup, onLost }) {
    const shortest: pg.PoolConfig = {
      query_timeout: deadlineMs,
      connectionTimeoutMillis: deadlineMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: heartbeatMs,
    };
    const pool = new pg.Pool({
      ...{ host, port: ports.postgresql, user: 'postgres', database: 'postgres', max },
      // By default it would end an idle connection before its death is noticed.
      idleTimeoutMillis: 0,
      ...(setup === 'shortest' ? shortest : {}),
    });
    pool.on('error', (error) => onLost(reasonOf(error)));
    await pool.query('select 1');
    return {
      call: () => pool.query('select 1'),
      wait: (seconds) => wait(pool, seconds),
      adapt: () => adaptPgPool(pool),
      close: () => void pool.end().catch(() => {}),
    };
  },
});

export const pgPool = pgPoolKind();

let lists = 0;

async function pushTo(list: string, host: string): Promise<void> {
  const redis = new Redis({ host, port: ports.redis });
  // One for the connection that was lost, if the server has not heard of that yet.
  await redis.lpush(list, 'x', 'x');
  redis.disconnect();
}

export const ioredis: ClientKind = {
  reconnects: true,
  async connect({ host, setup, onLost }) {
    const shortest = { socketTimeout: deadlineMs, commandTimeout: deadlineMs, keepAlive: heartbeatMs };
    const redis = new Redis({ host, port: ports.redis, ...(setup === 'shortest' ? shortest : {}) });
    let reason: unknown;
    redis.on('error', (error) => {
      reason = error;
    });
    redis.on('close', () => onLost(reasonOf(reason)));
    await redis.ping();
    const list = `list of ${process.pid}-${lists++}`;
    let isBlocked = false;
    return {
      async call() {
        // A command that blocks is sent again after a reconnect, and keeps the others waiting.
        if (isBlocked) await pushTo(list, host);
        return redis.ping();
      },
      wait(seconds) {
        isBlocked = true;
        return redis.blpop(list, seconds).finally(() => {
          isBlocked = false;
        });
      },
      adapt: () => ioredisClient(redis),
      close: () => redis.disconnect(),
    };
  },
};

export const mysql2PoolKind = ({ max: connectionLimit = 1, wait }: PoolUse<mysql.Pool> = {}): ClientKind => ({
  reconnects: true,
  async connect({ host, setup, onLost }) {
    const shortest: mysql.PoolOptions = {
      enableKeepAlive: true,
      keepAliveInitialDelay: heartbeatMs,
      connectTimeout: deadlineMs,
    };
    const timeout = setup === 'shortest' ? { timeout: deadlineMs } : {};
    const pool = mysql.createPool({
      ...{ host, port: ports.mariadb, user: 'root', connectionLimit },
      ...(setup === 'shortest' ? shortest : {}),
    });
    // The pool reports nothing; its connections do.
    pool.pool.on('connection', (connection) => {
      connection.on('error', (error: unknown) => onLost(reasonOf(error)));
    });
    await pool.query('select 1');
    return {
      call: () => pool.query({ sql: 'select 1', ...timeout }),
      wait: (seconds) =>
        wait?.(pool, seconds) ?? pool.query({ sql: 'select sleep(?)', ...timeout }, [seconds]),
      adapt: () => mysqlPool(pool),
      close: () => void pool.end().catch(() => {}),
    };
  },
});

export const mysql2Pool = mysql2PoolKind();

export const amqplib: ClientKind = {
  reconnects: false,
  async connect({ host, setup, onLost }) {
    const heartbeat = setup === 'shortest' ? '?heartbeat=1' : '';
    const connection = await amqp.connect(`amqp://guest:guest@${host}:${ports.rabbitmq}/${heartbeat}`);
    let reason: unknown;
    connection.on('error', (error) => {
      reason = error;
    });
    connection.on('close', (error) => onLost(reasonOf(reason ?? error)));
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => {});
    const { queue } = await channel.assertQueue('', { exclusive: true, durable: false });
    const publish = () =>
      new Promise((resolve, reject) => {
        channel.sendToQueue(queue, Buffer.from('x'), {}, (error, reply) =>
          error == null ? resolve(reply) : reject(error),
        );
      });
    await publish();
    return {
      call: publish,
      adapt: () => amqpConnection(connection),
      close: () => void connection.close().catch(() => {}),
    };
  },
};
