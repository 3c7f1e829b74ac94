/** A process with a handful of storages that has nothing to do, and counts how often its threads wake. */
import { readFileSync } from 'node:fs';
import { KeepAlive, StorageRegistry } from '../../../dist/src/index.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { threadIds } from '../harness/cpu.js';

const api = {
  /** Resolves after the first sweep, or at once without a period. */
  async open({ address, count, period }: { address: string; count: number; period: number | undefined }) {
    const registry = new StorageRegistry();
    for (let i = 0; i < count; i++) registry.open(String(i), await ClientStorage.open({ address }));
    if (period === undefined) return;
    const agent = new KeepAlive({ period, timeout: 5, level: 'warn' }, registry, {});
    const swept = new Promise<void>((resolve) => {
      let answered = 0;
      agent.on('pingSucceeded', () => {
        answered += 1;
        if (answered === count) resolve();
      });
    });
    agent.start();
    await swept;
  },
  /** Of each thread, how often it has given up its core of itself: as often it was woken. */
  async switches(): Promise<[id: number, switches: number][]> {
    return threadIds().map((id) => {
      const status = readFileSync(`/proc/self/task/${id}/status`, 'utf8');
      return [id, Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1])];
    });
  },
};
export type IdlerApi = typeof api;
serve(api);
