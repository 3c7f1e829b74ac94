/** Queries real servers as fast as it can, in turn without an agent and with one that pings its connections. */
import type { EventEmitter } from 'node:events';
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

/** A client whose queries pass through what the adapter has put on it. */
interface LoadedSubject extends Subject<KeepAliveTarget | ConnectionSource> {
  readonly emitter: EventEmitter & { sendCommand?: unknown };
}

const host = '127.0.0.1';
const connections = 20;
/** More than there are connections, so that none of them is ever idle. */
const callers = 24;

/** As an application uses them under load. */
const loaded = {
  'pg, a pool of 20': async (port) => {
    const pool = new pg.Pool({ host, port, user: 'postgres', database: 'postgres', max: connections });
    const query = () => pool.query('SELECT 1');
    return { query, adapt: () => pgPool(pool), close: () => pool.end(), emitter: pool };
  },
  'mysql2, a pool of 20': async (port) => {
    const pool = mysql.createPool({ host, port, user: 'root', connectionLimit: connections });
    const query = () => pool.query('SELECT 1');
    return { query, adapt: () => mysqlPool(pool), close: () => pool.end(), emitter: pool.pool };
  },
  ioredis: async (port) => {
    const redis = new Redis({ host, port });
    const query = () => redis.get('key');
    return { query, adapt: () => ioredisClient(redis), close: () => redis.quit(), emitter: redis };
  },
} satisfies Record<string, (port: number) => Promise<LoadedSubject>>;

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
   * A loaded client without an agent, and with one that pings its connections. Both are the same client, from which the agent and
   * what a query passes through are taken away: two clients differ by more than the agent costs.
   */
  async load({ client, port, sliceMs, slices }: QueryOptions<LoadedName>) {
    const registry = new StorageRegistry();
    const agent = new KeepAlive({ period, level: 'silent' }, registry, {});
    agent.start();
    while (!agent.workerRunning) await sleep(10);
    const subject = await loaded[client](port);
    const { query, close } = subject;
    // It connects.
    await runSlice(query, callers, sliceMs);
    const setPinged = pingedOrNot(subject, registry);
    const slice = async (isPinged: boolean) => {
      // No query is out.
      await setPinged(isPinged);
      const { length } = agent.status().connections;
      if (isPinged !== length > 0)
        throw new Error(`The agent has ${length} connections, pinged: ${isPinged}`);
      return await runSlice(query, callers, sliceMs);
    };
    const costs = await inPairs(
      { slices, warmUps },
      () => slice(false),
      () => slice(true),
    );
    await agent.stop();
    await close();
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

/** Adapts a client, and returns what takes it out of the registry, and the adapter off its queries, and puts both back. */
function pingedOrNot({ adapt, emitter }: LoadedSubject, registry: StorageRegistry) {
  const events = ['acquire', 'release'];
  const present = events.map((event) => emitter.listeners(event));
  const { sendCommand } = emitter;
  const source = adapt();
  // The registry closes what it is given: a target, but not the storage of a database, and no pool.
  const database = 'watchConnections' in source ? source : { storage: source };
  const added = events.map((event, index) =>
    emitter.listeners(event).filter((listener) => !present[index]?.includes(listener)),
  );
  const { sendCommand: adapted } = emitter;
  let isPinged = true;
  registry.open('loaded', database);
  return async (becomesPinged: boolean) => {
    if (becomesPinged === isPinged) return;
    isPinged = becomesPinged;
    if (isPinged) registry.open('loaded', database);
    else await registry.close('loaded');
    for (const [index, event] of events.entries())
      for (const listener of added[index] ?? [])
        emitter[isPinged ? 'on' : 'off'](event, listener as () => void);
    if (adapted !== sendCommand) emitter.sendCommand = isPinged ? adapted : sendCommand;
  };
}

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
