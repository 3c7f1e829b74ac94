/** Reports the memory of storages and of the agent, and how long a start takes. Needs `--expose-gc`. */
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

/** Each call needs a process of its own, because leftovers of one would distort the next. */
const api = {
  /** The heap of bare sockets, in bytes. */
  async sockets({ address, count }: Target): Promise<number> {
    const open = (number: number) => BareSockets.open({ address, count: number, periodMs });
    // One-time loading and compiling must not count.
    const first = await open(10);
    const empty = await heapUsed();
    const sockets = await open(count);
    const used = (await heapUsed()) - empty;
    await Promise.all([first.close(), sockets.close()]);
    return used;
  },

  /** The heap of storages, and of storages with an agent that has pinged each several times, in bytes. */
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
  // Closed sockets release their handles in later turns of the loop.
  for (let i = 0; i < 4; i++) {
    await sleep(50);
    gc();
  }
  return process.memoryUsage().heapUsed;
}

export type MemoryApi = typeof api;
serve(api);
