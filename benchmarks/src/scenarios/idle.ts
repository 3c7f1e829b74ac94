import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../figure.js';
import { Child } from '../harness/child.js';
import { interleave, summary } from '../harness/repetitions.js';
import { openServer } from '../harness/servers.js';
import type { IdlerApi } from '../processes/idler.js';
import type { Scenario } from '../scenario.js';

const count = 5;

export const idle: Scenario = {
  name: 'idle',
  title: 'Wake-ups between two sweeps',
  about:
    `Voluntary context switches of every thread of a process with ${count} open storages, from /proc/self/task/*/status, ` +
    'in an interval between two sweeps in which no ping is due; without the agent and with it. Both include the two readings ' +
    'themselves, which take a message from another process, and what V8 does seconds after an allocation.',
  async run({ quick, progress }) {
    const period = quick ? 3 : 30;
    const windowMs = quick ? 1500 : 20_000;
    const of = `${count} storages, period ${period} s, ${windowMs / 1000} s`;
    const variants = ['without agent', 'agent'].map((name) => ({
      name,
      measure: () => measure(name === 'agent', period, windowMs),
    }));
    const switches = await interleave(variants, quick ? 1 : 3, progress);
    const all = (name: string) => switches.get(name) ?? [];
    const baseline = { subject: 'without agent', value: summary(all('without agent').map(total)).value };
    return [
      { subject: 'without agent', of, ...summary(all('without agent').map(total)), unit: 'wake-ups' },
      {
        subject: 'agent',
        of,
        ...summary(all('agent').map(total)),
        unit: 'wake-ups',
        baseline,
        target: { on: 'difference', atMost: 0 },
        note: all('agent')
          .map((threads) => `by thread, main thread first: ${threads.join(', ')}`)
          .join('; '),
      },
    ] satisfies Figure[];
  },
};

const total = (threads: readonly number[]) => threads.reduce((sum, switches) => sum + switches, 0);

async function measure(withAgent: boolean, period: number, windowMs: number): Promise<number[]> {
  await using server = await openServer();
  await using child = new Child<IdlerApi>(new URL('../processes/idler.js', import.meta.url));
  await child.call('open', { address: server.address, count, period, withAgent });
  // In the first quarter after the sweep V8 may still tidy up.
  await sleep((period * 1000) / 4);
  const before = await child.call('switches', undefined);
  await sleep(windowMs);
  const after = await child.call('switches', undefined);
  return after.map(([id, switches]) => switches - (new Map(before).get(id) ?? 0));
}
