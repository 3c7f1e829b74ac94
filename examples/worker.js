/**
 * A worker that takes jobs from a WebSocket and stores them in MySQL, with both kept alive:
 *
 *     ZEO_KEEPALIVE_PERIOD=10 MYSQL_URL=mysql://user@db.example.org/jobs FEED_URL=wss://feed.example.org node examples/worker.js
 */
import { inspect } from 'node:util';
import mysql from 'mysql2/promise';
import { WebSocket } from 'ws';
import { databases, startThread } from 'zeo-keepalive';
import { mysqlPool } from 'zeo-keepalive/mysql2';
import { webSocket } from 'zeo-keepalive/ws';

const pool = mysql.createPool(process.env.MYSQL_URL ?? 'mysql://root@127.0.0.1/jobs');
databases.open('jobs', mysqlPool(pool));
const agent = startThread();
agent?.on('connectionDied', ({ name, explanation }) => console.log(`${name} is dead: ${explanation}`));

await pool.query('CREATE TABLE IF NOT EXISTS jobs (id INT PRIMARY KEY, text VARCHAR(200))');
let feed;
let isStopping = false;
listen();

/** A WebSocket does not reconnect by itself. It leaves the registry when it closes, and the next one takes its name. */
function listen() {
  if (isStopping) return;
  feed = new WebSocket(process.env.FEED_URL ?? 'ws://127.0.0.1:8080');
  databases.open('feed', webSocket(feed));
  feed.on('message', (message) => {
    const job = readJob(message);
    if (job !== undefined) void store(job);
  });
  feed.on('error', (error) => console.log(`feed: ${error.message}`));
  feed.on('close', () => {
    if (!isStopping) setTimeout(listen, 1000);
  });
}

function readJob(message) {
  try {
    const { id, text } = JSON.parse(message);
    if (Number.isInteger(id) && typeof text === 'string') return { id, text };
  } catch {
    // The same as any other message that is not a job.
  }
  console.log(`feed: expected a job, received ${inspect(`${message.subarray(0, 80)}`)}`);
}

async function store({ id, text }) {
  try {
    // Nobody knows whether a statement was executed whose connection was lost: this one may be executed twice.
    await pool.query('REPLACE INTO jobs VALUES (?, ?)', [id, text]);
    console.log(`stored ${id}`);
  } catch (error) {
    console.log(`jobs: ${error.message}`);
    // Of a connection that was declared dead, this is true: another attempt has another connection.
    if (error.retryable) setTimeout(store, 100, { id, text });
  }
}

process.once('SIGINT', () => {
  isStopping = true;
  feed.close();
  void pool.end();
});
