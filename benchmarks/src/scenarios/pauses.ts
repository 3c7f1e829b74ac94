import type { Figure } from '../figure.js';
import { Child, ownProcesses } from '../harness/child.js';
import type { Pauses } from '../harness/pauses.js';
import { interleave, summary } from '../harness/repetitions.js';
import { openServer } from '../harness/servers.js';
import type { PausesApi, PausesOptions } from '../processes/pauses.js';
import type { Scenario } from '../scenario.js';

const subjects = ['without agent', 'agent', 'setInterval and getInfo'] as const;

export const pauses: Scenario = {
  name: 'pauses',
  title: 'Pauses of the main loop',
  about:
    'How late the main loop is, p99.9 of `monitorEventLoopDelay` with a resolution of 1 ms, while this many storages are open ' +
    'and nothing else happens: without the agent, with it, and with an interval that calls `getInfo` on each storage. Then how ' +
    'long a call of `status()` takes, and what a collection of metrics asks of the agent: the longest of 20; and a line of the log ' +
    'about a failure, with its stack: the longest of one for each storage.',
  async run({ quick, progress }) {
    const { count, of } = caseOf(quick);
    const variants = subjects.map((name) => ({
      name,
      measure: () => measure({ subject: name, count }, quick),
    }));
    const measured = await interleave(variants, quick ? 1 : 3, progress);
    const p999 = (subject: string) => summary((measured.get(subject) ?? []).map(({ p999Ms }) => p999Ms));
    const baseline = { subject: 'without agent', value: p999('without agent').value };
    const calls = (measured.get('agent') ?? []).flatMap(({ calls }) => calls ?? []);
    const longest = (what: string, times: (of: Calls) => readonly number[]): Figure => ({
      subject: 'agent',
      of: of.replace('p99.9', what),
      ...summary(calls.map((call) => Math.max(...times(call)))),
      unit: 'ms',
      target: { on: 'value', atMost: 5 },
    });
    const held = [
      longest('status()', ({ statusMs }) => statusMs),
      longest('a collection of metrics', ({ collectionMs }) => collectionMs),
      longest('a log line', ({ lineMs }) => lineMs),
    ];
    const delays = subjects.map((subject): Figure => {
      const figure = { subject, of, ...p999(subject), unit: 'ms' };
      const largest = Math.max(...(measured.get(subject) ?? []).map(({ maxMs }) => maxMs));
      const note = `the longest pause was ${largest.toFixed(1)} ms`;
      if (subject === 'without agent') return { ...figure, note };
      return {
        ...figure,
        note,
        baseline,
        ...(subject === 'agent' && { target: { on: 'difference', atMost: 2 } }),
      };
    });
    return [...delays, ...held];
  },
  compared(quick) {
    const { count, of } = caseOf(quick);
    const options = { subject: 'agent', count } as const;
    return [
      { of, unit: 'ms', measure: async (processes) => (await measure(options, quick, processes)).p999Ms },
    ];
  },
};

type Calls = Awaited<ReturnType<PausesApi['calls']>> & { readonly lineMs: readonly number[] };

interface Measured extends Pauses {
  readonly calls?: Calls;
}

function caseOf(quick: boolean) {
  const count = quick ? 500 : 10_000;
  return { count, of: `${count.toLocaleString('en-US')} storages, p99.9` };
}

async function measure(
  options: Pick<PausesOptions, 'subject' | 'count'>,
  quick: boolean,
  processes = ownProcesses,
): Promise<Measured> {
  await using server = await openServer('embedded', processes);
  await using child = new Child<PausesApi>(new URL('pauses.js', processes));
  await child.call('open', { ...options, address: server.address, periodMs: 1000 });
  const delay = await child.call('measure', { warmUpMs: quick ? 500 : 5000, ms: quick ? 1500 : 20_000 });
  // Of other commits only the delay is compared.
  if (options.subject !== 'agent' || processes !== ownProcesses) return delay;
  const calls = await child.call('calls', { count: 20 });
  const lineMs = await child.call('log', { count: options.count });
  return { ...delay, calls: { ...calls, lineMs } };
}
