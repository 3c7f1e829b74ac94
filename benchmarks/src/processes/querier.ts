/** Queries real servers as fast as it can, in turn without an agent and with one that pings its connections. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { ioredisClient } from '../../../dist/src/adapters/ioredis.js';
import { mysqlConnection, mysqlPool } from '../../../dist/src/adapters/mysql2.js';
import { pgClient, pgPool } from '../../../dist/src/adapters/pg.js';
import {
  type ConnectionSource,
  KeepAlive,
  type KeepAliveTarget,
  StorageRegistry,
} from '../../../dist/src/index.js';
import { serve } from '../harness/child.js';
import { inPairs } from '../harness/comparison.js';
import { threadUs } from '../harness/cpu.js';

interface Subject<Database> {
  query(): Promise<unknown>;
  adapt(): Database;
  close(): unknown;
}

const host = '127.0.0.1';
const connections = 20;
/** More than there are connections, so that none of them is ever idle. */
const callers = 24;

/** As an application uses them under load. */
const loaded = {
  'pg, a pool of 20': async (port) => {
    const pool = new pg.Pool({ host, port, user: 'postgres', database: 'postgres', max: connections });
    return { query: () => pool.query('SELECT 1'), adapt: () => pgPool(pool), close: () => pool.end() };
  },
  'mysql2, a pool of 20': async (port) => {
    const pool = mysql.createPool({ host, port, user: 'root', connectionLimit: connections });
    return { query: () => pool.query('SELECT 1'), adapt: () => mysqlPool(pool), close: () => pool.end() };
  },
  ioredis: async (port) => {
    const redis = new Redis({ host, port });
    return { query: () => redis.get('key'), adapt: () => ioredisClient(redis), close: () => redis.quit() };
  },
} satisfies Record<string, (port: number) => Promise<Subject<KeepAliveTarget | ConnectionSource>>>;

/** One connection each, to compare the ping of its adapter with the smallest query. */
const single = {
  pg: async (port) => {
    const client = new pg.Client({ host, port, user: 'postgres', database: 'postgres' });
    await client.connect();
    return {
      query: () => client.query('SELECT 1'),
      adapt: () => pgClient(client),
      close: () => client.end(),
    };
  },
  mysql2: async (port) => {
    const client = await mysql.createConnection({ host, port, user: 'root' });
    const query = () => client.query('SELECT 1');
    return { query, adapt: () => mysqlConnection(client), close: () => client.end() };
  },
  ioredis: loaded.ioredis,
} satisfies Record<string, (port: number) => Promise<Subject<KeepAliveTarget>>>;

export type LoadedName = keyof typeof loaded;
export type SingleName = keyof typeof single;

export interface QueryOptions<Name> {
  readonly client: Name;
  readonly port: number;
  /** How long each of them runs at a time. */
  readonly sliceMs: number;
  /** Of each kind. */
  readonly slices: number;
}

/** Of one slice, microseconds a query. */
export interface QueryCost {
  readonly wallUs: number;
  /** Of the main thread. */
  readonly cpuUs: number;
}

const warmUps = 2;
/** In seconds. */
const period = 1;

const api = {
  /**
   * A loaded client without an agent, and one whose connections an agent would ping. Each slice has a client of its own: two that
   * last differ by more than the agent costs, each in the same way for as long as they are there.
   */
  async load({ client, port, sliceMs, slices }: QueryOptions<LoadedName>) {
    const registry = new StorageRegistry();
    const agent = new KeepAlive({ period, level: 'silent' }, registry, {});
    agent.start();
    while (!agent.workerRunning) await sleep(10);
    const slice = async (isPinged: boolean) => {
      const { query, adapt, close } = await loaded[client](port);
      if (isPinged) registry.open('loaded', adapt());
      // It connects.
      await runSlice(query, callers, sliceMs / 4);
      const cost = await runSlice(query, callers, sliceMs);
      if (isPinged) await registry.close('loaded');
      await close();
      return cost;
    };
    const costs = await inPairs(
      { slices, warmUps },
      () => slice(false),
      () => slice(true),
    );
    await agent.stop();
    return costs;
  },

  /** The smallest query of an idle connection, and the ping of its adapter, one after the other. */
  async ping({ client, port, sliceMs, slices }: QueryOptions<SingleName>) {
    const { query, adapt, close } = await single[client](port);
    const target: KeepAliveTarget = adapt();
    const { signal } = new AbortController();
    const costs = await inPairs(
      { slices, warmUps },
      () => runSlice(query, 1, sliceMs),
      () => runSlice(() => target.ping(signal), 1, sliceMs),
    );
    await close();
    return costs;
  },
};

async function runSlice(query: () => Promise<unknown>, callers: number, ms: number): Promise<QueryCost> {
  let answered = 0;
  const startMs = performance.now();
  const startUs = threadUs(process.pid) ?? Number.NaN;
  const queryOneByOne = async () => {
    for (; performance.now() - startMs < ms; answered++) await query();
  };
  await Promise.all(Array.from({ length: callers }, queryOneByOne));
  const wallUs = (performance.now() - startMs) * 1000;
  const cpuUs = (threadUs(process.pid) ?? Number.NaN) - startUs;
  return { wallUs: wallUs / answered, cpuUs: cpuUs / answered };
}

export type QuerierApi = typeof api;
serve(api);
