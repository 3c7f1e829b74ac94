import type { Figure } from '../figure.js';
import { Child } from '../harness/child.js';
import { interleave, summary } from '../harness/repetitions.js';
import type { OpenerApi } from '../processes/opener.js';
import type { Scenario } from '../scenario.js';

const target = { on: 'value', atMost: 10 } as const;

/** What the agent adds to opening and closing a storage. */
export const open: Scenario = {
  name: 'open',
  title: 'Opening and closing storages',
  about:
    'CPU time of the main thread and of the worker thread for each storage that is opened, or closed, while the agent runs: ' +
    'all of them in one turn of the main loop, and each in its own turn. The storages do nothing themselves. The figures ' +
    'include the turns, and what the worker does within 0.3 s after the last one.',
  async run({ quick, progress }) {
    const count = quick ? 1000 : 10_000;
    const variants = [
      { name: 'in one turn', perTurn: count },
      { name: 'each in a turn of its own', perTurn: 1 },
    ].map(({ name, perTurn }) => ({ name, measure: () => measure(count, perTurn) }));
    const results = await interleave(variants, quick ? 1 : 5, progress);
    const figures: Figure[] = [];
    for (const [name, runs] of results) {
      for (const step of ['opening', 'closing'] as const) {
        for (const thread of ['main', 'worker'] as const) {
          const perStorage = runs.map((run) => run[step][`${thread}Us`] / count);
          const of = `${count.toLocaleString('en-US')}, ${name}`;
          figures.push({
            subject: `${step}, ${thread} thread`,
            of,
            ...summary(perStorage),
            unit: 'µs',
            target,
          });
        }
      }
    }
    return figures;
  },
};

async function measure(count: number, perTurn: number) {
  await using child = new Child<OpenerApi>(new URL('../processes/opener.js', import.meta.url));
  return await child.call('measure', { count, perTurn });
}
