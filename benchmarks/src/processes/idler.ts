/** An idle process with a handful of storages, which counts how often its threads wake. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeepAlive, StorageRegistry } from '../../../dist/src/index.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { threadIds } from '../harness/cpu.js';

export interface IdlerOptions {
  readonly address: string;
  readonly count: number;
  /** In seconds. */
  readonly period: number;
  readonly withAgent: boolean;
}

const api = {
  /** Resolves after the first sweep, or without an agent after the same time: V8 tidies up by the age of the process. */
  async open({ address, count, period, withAgent }: IdlerOptions): Promise<void> {
    const registry = new StorageRegistry();
    for (let i = 0; i < count; i++) registry.open(String(i), await ClientStorage.open({ address }));
    if (!withAgent) return sleep(period * 1000);
    const agent = new KeepAlive({ period, timeout: 5, jitter: 0, level: 'warn' }, registry, {});
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
  /** For each thread, how often it has yielded its core voluntarily, which is how often it was woken. */
  async switches(): Promise<[id: number, switches: number][]> {
    return threadIds().map((id) => {
      const status = readFileSync(`/proc/self/task/${id}/status`, 'utf8');
      return [id, Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1])];
    });
  },
};
export type IdlerApi = typeof api;
serve(api);
