/** Opens and closes storages under a running agent, and reports the cost for each of the two threads. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeepAlive, type KeepAliveTarget, StorageRegistry } from '../../../dist/src/index.js';
import { serve } from '../harness/child.js';
import { threadIds, threadUs } from '../harness/cpu.js';

/** CPU time, in microseconds. */
export interface ThreadCosts {
  readonly mainUs: number;
  readonly workerUs: number;
}

/** How many storages are opened, or closed, per turn of the main loop. */
export interface OpenerOptions {
  readonly count: number;
  readonly perTurn: number;
}

/** The worker has nothing else to do: by then it has processed its messages. */
const settleMs = 300;

const api = {
  async measure({ count, perTurn }: OpenerOptions): Promise<{ opening: ThreadCosts; closing: ThreadCosts }> {
    const registry = new StorageRegistry();
    // A period so long that hardly any storage is pinged.
    const agent = new KeepAlive({ period: 36_000, timeout: 5, level: 'silent' }, registry, {});
    const before = new Set(threadIds());
    agent.start();
    await once(agent, 'workerStarted');
    const worker = threadIds().find((id) => !before.has(id));
    if (worker === undefined) throw new Error('The system does not tell one thread from another');
    const storages = Array.from({ length: count }, createStorage);
    await sleep(settleMs);

    const costs = async (step: (index: number) => void): Promise<ThreadCosts> => {
      const start = [cpuUs(process.pid), cpuUs(worker)] as const;
      await inTurns(count, perTurn, step);
      const mainUs = cpuUs(process.pid) - start[0];
      await sleep(settleMs);
      return { mainUs, workerUs: cpuUs(worker) - start[1] };
    };
    const opening = await costs((index) => registry.open(String(index), storages[index] as KeepAliveTarget));
    if (agent.status().connections.length !== count) throw new Error('Not all are kept alive');
    const closing = await costs((index) => void registry.close(String(index)));
    await agent.stop();
    return { opening, closing };
  },
};
export type OpenerApi = typeof api;
serve(api);

function inTurns(count: number, perTurn: number, step: (index: number) => void): Promise<void> {
  return new Promise((resolve) => {
    let next = 0;
    const turn = () => {
      if (next === count) return resolve();
      for (const end = Math.min(count, next + perTurn); next < end; next++) step(next);
      setImmediate(turn);
    };
    turn();
  });
}

function cpuUs(thread: number): number {
  return threadUs(thread) ?? Number.NaN;
}

/** A connection that does nothing: what opening a storage itself costs must not count. */
function createStorage(): KeepAliveTarget {
  return {
    ready: true,
    generation: 1,
    lock: { acquire: async () => () => {} },
    ping: async () => {},
    drop() {},
  };
}
