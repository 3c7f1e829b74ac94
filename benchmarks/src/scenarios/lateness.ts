import type { Figure } from '../figure.js';
import { Child } from '../harness/child.js';
import { interleave, summary } from '../harness/repetitions.js';
import { openServer } from '../harness/servers.js';
import type { Lateness, LatenessApi } from '../processes/lateness.js';
import type { Scenario } from '../scenario.js';
import { type LoadKind, loads } from '../subjects/main-thread-load.js';

const subjects = ['setInterval and getInfo', 'agent'] as const;
const ranks = ['p50Ms', 'p99Ms', 'maxMs'] as const;
const count = 100;

export const lateness: Scenario = {
  name: 'lateness',
  title: 'Lateness of pings',
  about:
    `How much longer than the period of 1 s the time between two pings of a storage is, for ${count} storages; with the ` +
    `main thread idle, half busy (${loads['half busy']}), and blocked in bursts (${loads['blocked in bursts']}). For ` +
    'comparison: an interval on the main thread that calls `getInfo` on each storage. With either, sockets have to wait while the main thread is blocked.',
  async run({ quick, progress }) {
    const figures: Figure[] = [];
    for (const load of Object.keys(loads) as LoadKind[]) {
      const variants = subjects.map((name) => ({ name, measure: () => measure(name, load, quick) }));
      const results = await interleave(variants, quick ? 1 : 3, (line) => progress(`${load}: ${line}`));
      for (const rank of ranks) {
        const of = `${load}, ${rank.replace('Ms', '')}`;
        const ms = (name: string) =>
          summary((results.get(name) ?? []).map((lateness: Lateness) => lateness[rank]));
        const [interval, agent] = subjects;
        figures.push({ subject: interval, of, ...ms(interval), unit: 'ms' });
        const baseline = { subject: interval, value: ms(interval).value };
        figures.push({ subject: agent, of, ...ms(agent), unit: 'ms', baseline });
      }
    }
    return figures;
  },
};

async function measure(
  subject: (typeof subjects)[number],
  load: LoadKind,
  quick: boolean,
): Promise<Lateness> {
  await using server = await openServer();
  await using child = new Child<LatenessApi>(new URL('../processes/lateness.js', import.meta.url));
  const [periodMs, ms] = quick ? [300, 900] : [1000, 30_000];
  return await child.call('measure', { subject, load, address: server.address, count, periodMs, ms });
}
