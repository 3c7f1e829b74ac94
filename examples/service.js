/**
 * A service that keeps its data in PostgreSQL and counts in Redis, with both kept alive:
 *
 *     ZEO_KEEPALIVE_PERIOD=10 PGHOST=db.example.org REDIS_URL=redis://cache.example.org node examples/service.js
 */
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import pg from 'pg';
import { databases, startThread } from 'zeo-keepalive';
import { ioredisClient } from 'zeo-keepalive/ioredis';
import { pgPool } from 'zeo-keepalive/pg';

const pool = new pg.Pool();
const cache = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
// Without a listener, Node ends the process when a server closes a connection.
pool.on('error', (error) => console.log(`orders: ${error.message}`));
cache.on('error', (error) => console.log(`cache: ${error.message}`));

databases.open('orders', pgPool(pool));
databases.open('cache', ioredisClient(cache));
const agent = startThread();
agent?.on('connectionDied', ({ name, explanation }) => console.log(`${name} is dead: ${explanation}`));
agent?.on('connectionBack', ({ name }) => console.log(`${name} is back`));

const server = createServer(async (_request, response) => {
  try {
    const { rows } = await pool.query('SELECT now()');
    const visits = await cache.incr('visits');
    response.end(`Visit ${visits}, at ${rows[0].now.toISOString()}\n`);
  } catch (error) {
    // Of a connection that was declared dead, this is true: another attempt has another connection.
    response.writeHead(error.retryable ? 503 : 500).end(`${error.message}\n`);
  }
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});

process.once('SIGINT', () => {
  server.close();
  void pool.end();
  cache.disconnect();
});
