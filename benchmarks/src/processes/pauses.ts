/** Opens many storages, and reports how long the main loop pauses with and without something that pings them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { measurePauses } from '../harness/pauses.js';
import { Agent } from '../subjects/agent.js';
import { IntervalCalls } from '../subjects/interval-calls.js';
import { openAll } from '../subjects/subject.js';

export interface PausesOptions {
  readonly subject: 'without agent' | 'agent' | 'setInterval and getInfo';
  readonly address: string;
  readonly count: number;
  readonly periodMs: number;
}

const api = {
  async open({ subject, ...options }: PausesOptions): Promise<void> {
    if (subject === 'agent') (await Agent.open(options)).start();
    else if (subject === 'setInterval and getInfo') (await IntervalCalls.open(options)).start();
    else await openAll(options.count, () => ClientStorage.open({ address: options.address }));
  },
  async measure({ warmUpMs, ms }: { readonly warmUpMs: number; readonly ms: number }) {
    await sleep(warmUpMs);
    return await measurePauses(ms);
  },
};
export type PausesApi = typeof api;
serve(api);
