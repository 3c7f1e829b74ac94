import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../figure.js';
import { Child, ownProcesses } from '../harness/child.js';
import { interleave, summary } from '../harness/repetitions.js';
import { openServer } from '../harness/servers.js';
import type { GrowthApi, GrowthCost } from '../processes/growth.js';
import type { PingerApi } from '../processes/pinger.js';
import type { Scenario } from '../scenario.js';

const fewest = 100;
const counts = [fewest, 1000, 10_000] as const;
const steps = ['opening', 'closing', 'closing bare sockets', 'dropping', 'pinging'] as const;

export const growth: Scenario = {
  name: 'growth',
  title: 'The cost of a storage, with more and more of them',
  about:
    'CPU time of the whole client process for each storage, of a hundred, a thousand and ten thousand that are open at once under ' +
    'a running agent: to open it (a hundred at a time), to close all at once, to drop the connections of all in one turn of the ' +
    'main loop, and to ping it. Each process opens as many in all, and pings a thousand times a second, so that its code is ' +
    'equally warm. Beside it what closing as many bare sockets costs at once: by how much that grows is not the doing of storages.',
  async run({ quick, progress }) {
    const sizes = quick ? counts.slice(0, 2) : counts;
    const variants = sizes.map((count) => ({ name: inWords(count), measure: () => measure(count, quick) }));
    const costs = await interleave(variants, quick ? 1 : 3, progress);
    return steps.flatMap((step) => {
      const figures = sizes.map((count): Figure => {
        const values = (costs.get(inWords(count)) ?? []).map((cost) => cost[step]);
        return { subject: step, of: inWords(count), unit: 'µs', ...summary(values) };
      });
      const [{ subject, of, value } = { subject: step, of: '', value: Number.NaN }, ...more] = figures;
      const baseline = { subject, of, value };
      return [
        ...figures.slice(0, 1),
        ...more.map((figure): Figure => {
          const compared = { ...figure, baseline };
          if (step === 'closing bare sockets') return compared;
          return { ...compared, target: { on: 'ratio', atMost: 1.2 } };
        }),
      ];
    });
  },
};

const inWords = (count: number) => `${count.toLocaleString('en-US')} storages`;

async function measure(count: number, quick: boolean): Promise<GrowthCost & { pinging: number }> {
  await using server = await openServer();
  const { address } = server;
  return {
    ...(await measureSteps(address, count, quick)),
    pinging: await measurePings(address, count, quick),
  };
}

async function measureSteps(address: string, count: number, quick: boolean): Promise<GrowthCost> {
  await using child = new Child<GrowthApi>(new URL('growth.js', ownProcesses));
  const options = { address, count, total: quick ? count : 10_000 };
  // The first ones compile the code.
  await child.call('measure', options);
  return await child.call('measure', options);
}

async function measurePings(address: string, count: number, quick: boolean): Promise<number> {
  await using pinger = new Child<PingerApi>(new URL('pinger.js', ownProcesses));
  await pinger.call('open', { kind: 'agent', address, count, periodMs: count });
  await sleep(quick ? 1000 : 25_000);
  const { totalUs, pings } = await pinger.call('measure', { ms: quick ? 1000 : 10_000 });
  return totalUs / pings;
}
