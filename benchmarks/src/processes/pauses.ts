/** Opens many storages, and reports how long the main loop pauses with and without something that pings them. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { Agent } from '../subjects/agent.js';
import { IntervalCalls } from '../subjects/interval-calls.js';
import { openAll } from '../subjects/subject.js';

export interface PausesOptions {
  readonly subject: 'without agent' | 'agent' | 'setInterval and getInfo';
  readonly address: string;
  readonly count: number;
  readonly periodMs: number;
}

const resolutionMs = 1;

const api = {
  async open({ subject, ...options }: PausesOptions): Promise<void> {
    if (subject === 'agent') (await Agent.open(options)).start();
    else if (subject === 'setInterval and getInfo') (await IntervalCalls.open(options)).start();
    else await openAll(options.count, () => ClientStorage.open({ address: options.address }));
  },
  async measure({ warmUpMs, ms }: { readonly warmUpMs: number; readonly ms: number }) {
    await sleep(warmUpMs);
    const delay = monitorEventLoopDelay({ resolution: resolutionMs });
    delay.enable();
    await sleep(ms);
    delay.disable();
    // The histogram has the time between two looks.
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
    return { p999Ms: late(delay.percentile(99.9)), maxMs: late(delay.max) };
  },
};
export type PausesApi = typeof api;
serve(api);
