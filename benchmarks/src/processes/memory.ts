/** Tells what storages and the agent hold in memory, and how long a start takes. Needs `--expose-gc`. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { databases, startThread } from '../../../dist/src/index.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { Agent } from '../subjects/agent.js';
import { BareSockets } from '../subjects/bare-sockets.js';

interface Target {
  readonly address: string;
  readonly count: number;
}

const periodMs = 500;

/** Each in a process of its own: what one has left behind would be taken for, or set off against, what the next one holds. */
const api = {
  /** Bytes of heap that bare sockets hold. */
  async sockets({ address, count }: Target): Promise<number> {
    const open = (number: number) => BareSockets.open({ address, count: number, periodMs });
    // What is loaded and compiled once is not a socket's.
    const first = await open(10);
    const empty = await heapUsed();
    const sockets = await open(count);
    const used = (await heapUsed()) - empty;
    await Promise.all([first.close(), sockets.close()]);
    return used;
  },

  /** Bytes of heap that storages hold, and that they hold together with an agent that has pinged each several times. */
  async storages({ address, count }: Target): Promise<{ readonly storages: number; readonly agent: number }> {
    const first = await Agent.open({ address, count: 10, periodMs });
    first.start();
    await sleep(2 * periodMs);
    const empty = await heapUsed();
    const agent = await Agent.open({ address, count, periodMs });
    const storages = (await heapUsed()) - empty;
    agent.start();
    await sleep(10 * periodMs);
    const used = (await heapUsed()) - empty;
    await Promise.all([first.close(), agent.close()]);
    return { storages, agent: used };
  },

  async start({ address, period }: { readonly address: string; readonly period: number }) {
    databases.open('main', await ClientStorage.open({ address }));
    await heapUsed();
    const rssBefore = process.memoryUsage.rss();
    const startMs = performance.now();
    const agent = startThread(period, { jitter: 0, level: 'warn' });
    const returnedMs = performance.now() - startMs;
    if (agent === undefined) throw new Error('It did not start');
    await once(agent, 'workerStarted');
    const liveMs = performance.now() - startMs;
    await once(agent, 'pingStarted');
    const firstPingMs = performance.now() - startMs - period * 1000;
    await sleep(3 * period * 1000);
    await heapUsed();
    return { rssBefore, rssAfter: process.memoryUsage.rss(), returnedMs, liveMs, firstPingMs };
  },
};

async function heapUsed(): Promise<number> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('Needs --expose-gc');
  // What was closed lets go of its handles in later turns.
  for (let i = 0; i < 4; i++) {
    await sleep(50);
    gc();
  }
  return process.memoryUsage().heapUsed;
}

export type MemoryApi = typeof api;
serve(api);
