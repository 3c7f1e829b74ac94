/** Tells what storages and the agent hold in memory, and how long a start takes. Needs `--expose-gc`. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { databases, startThread } from '../../../dist/src/index.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { Agent } from '../subjects/agent.js';
import { BareSockets } from '../subjects/bare-sockets.js';

/** Bytes of heap beyond those of the process before anything was opened. */
export interface MemoryUse {
  readonly sockets: number;
  readonly storages: number;
  readonly agent: number;
}

interface Target {
  readonly address: string;
  readonly count: number;
}

const periodMs = 500;

const api = {
  async measure({ address, count }: Target): Promise<MemoryUse> {
    // What is loaded and compiled once is not a storage's.
    await (await BareSockets.open({ address, count: 10, periodMs, spread: false })).close();
    await (await Agent.open({ address, count: 10, periodMs })).close();
    const empty = await heapUsed();
    const bare = await BareSockets.open({ address, count, periodMs, spread: false });
    const sockets = (await heapUsed()) - empty;
    await bare.close();
    const closed = await heapUsed();
    const agent = await Agent.open({ address, count, periodMs });
    const storages = (await heapUsed()) - closed;
    agent.start();
    await sleep(6 * periodMs);
    await agent.keepAlive.stop();
    // Nothing is in flight now; what the agent remembers of its storages goes with its run, so it runs again.
    agent.start();
    await sleep(3 * periodMs);
    const used = (await heapUsed()) - closed;
    await agent.close();
    return { sockets, storages, agent: used };
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
