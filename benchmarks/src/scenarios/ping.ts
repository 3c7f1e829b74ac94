import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../figure.js';
import { Child, ownProcesses } from '../harness/child.js';
import { interleave, summary } from '../harness/repetitions.js';
import { missingPython, openServer, type ServerKind } from '../harness/servers.js';
import type { PingCost, PingerApi, PingerKind } from '../processes/pinger.js';
import type { Scenario, ScenarioOptions } from '../scenario.js';

const kinds: readonly PingerKind[] = ['bare sockets', 'setInterval and getInfo', 'agent'];

interface Load {
  readonly server: ServerKind;
  readonly count: number;
  readonly periodMs: number;
  /** Until V8 has compiled the code of each ping, and most of the code of each sweep. */
  readonly warmUpMs: number;
}

/** Fewer storages are pinged more often; otherwise it would take minutes until the code is compiled. */
const paces = [
  { count: 1, periodMs: 20, warmUpMs: 20_000 },
  { count: 100, periodMs: 100, warmUpMs: 15_000 },
  { count: 1000, periodMs: 1000, warmUpMs: 25_000 },
  { count: 10_000, periodMs: 1000, warmUpMs: 12_000 },
] as const;
const loads: readonly Load[] = [
  ...paces.map((pace) => ({ server: 'embedded' as const, ...pace })),
  ...paces.slice(0, 3).map((pace) => ({ server: 'python' as const, ...pace })),
];
const quickLoads = loads.slice(0, 2).map((load) => ({ ...load, warmUpMs: 500 }));

export const ping: Scenario = {
  name: 'ping',
  title: 'CPU of a ping',
  about:
    'CPU time of the whole client process, worker thread and garbage collection included, divided by the pings that were ' +
    'answered, in a process that has run long enough for its code to be compiled. The server runs in its own process. ' +
    '*Bare sockets* write one prebuilt frame, all at the same moment, read into one buffer, as the agent does, and count the ' +
    'bytes of the reply. ' +
    '*setInterval and getInfo* is the obvious alternative: no deadline, no verdict, no lock. One storage is pinged every ' +
    '20 ms, a hundred every 100 ms, more every second. In the first minutes, or hours with few storages and a long period, ' +
    'a ping costs each of them several times as much.',
  usesPython: true,
  async run({ quick, progress }) {
    const figures: Figure[] = [];
    for (const load of quick ? quickLoads : loads) {
      const missing = load.server === 'python' ? missingPython() : undefined;
      if (missing === undefined) figures.push(...(await compare(load, { quick, progress })));
      else progress(`without ZEO's Python server: ${missing}`);
    }
    return withGrowth(figures);
  },
  compared: (quick) =>
    (quick ? quickLoads : loads)
      .filter(({ server }) => server === 'embedded')
      .map((load) => ({
        of: caseOf(load),
        unit: 'µs',
        async measure(processes) {
          const { totalUs, pings } = await measure('agent', load, quick, processes);
          return totalUs / pings;
        },
      })),
};

async function compare(load: Load, { quick, progress }: ScenarioOptions): Promise<Figure[]> {
  const of = caseOf(load);
  const variants = kinds.map((kind) => ({ name: kind, measure: () => measure(kind, load, quick) }));
  const costs = await interleave(variants, quick ? 1 : 3, (line) => progress(`${of}: ${line}`));
  const us = (kind: PingerKind) =>
    summary((costs.get(kind) as PingCost[]).map(({ totalUs, pings }) => totalUs / pings));
  const bare = { subject: 'bare sockets', value: us('bare sockets').value };
  return kinds.map((subject) => {
    const figure = { subject, of, ...us(subject), unit: 'µs' };
    const share = workerShare(costs.get(subject) as PingCost[]);
    if (subject === 'bare sockets') return figure;
    if (subject !== 'agent') return { ...figure, baseline: bare };
    return {
      ...figure,
      baseline: bare,
      target: { on: 'ratio', atMost: 1.25 },
      ...(share !== undefined && { note: `${Math.round(100 * share)} % of it outside of the main thread` }),
    };
  });
}

async function measure(
  kind: PingerKind,
  { server: serverKind, count, periodMs, warmUpMs }: Load,
  quick: boolean,
  processes = ownProcesses,
) {
  await using server = await openServer(serverKind, processes);
  await using pinger = new Child<PingerApi>(new URL('pinger.js', processes));
  await pinger.call('open', { kind, address: server.address, count, periodMs });
  await sleep(warmUpMs);
  return await pinger.call('measure', { ms: quick ? 500 : 8000 });
}

function workerShare(costs: readonly PingCost[]): number | undefined {
  const shares = costs.flatMap(({ totalUs, mainThreadUs }) =>
    mainThreadUs === undefined ? [] : [1 - mainThreadUs / totalUs],
  );
  return shares.length === 0 ? undefined : summary(shares).value;
}

/** The same figures again, against further baselines. */
function withGrowth(figures: readonly Figure[]): Figure[] {
  const find = (subject: string, of: string) =>
    figures.find((figure) => figure.subject === subject && figure.of === of);
  const again: Figure[] = [];
  for (const figure of figures.filter(({ subject }) => subject === 'agent')) {
    const interval = find('setInterval and getInfo', figure.of);
    if (interval !== undefined) again.push(against(figure, interval, 1.1));
  }
  const [few, many] = [
    find('agent', caseOf({ server: 'embedded', count: 100 })),
    find('agent', caseOf({ server: 'embedded', count: 10_000 })),
  ];
  // One twentieth for the noise of two measurements.
  if (few !== undefined && many !== undefined) again.push(against(many, few, 1.05));
  return [...figures, ...again];
}

function against({ note: _, ...figure }: Figure, { subject, of, value }: Figure, atMost: number): Figure {
  return {
    ...figure,
    baseline: { subject, ...(of !== figure.of && { of }), value },
    target: { on: 'ratio', atMost },
  };
}

function caseOf({ server, count }: Pick<Load, 'server' | 'count'>): string {
  const storages = `${count.toLocaleString('en-US')} storage${count === 1 ? '' : 's'}`;
  return server === 'embedded' ? storages : `${storages}, ZEO's server`;
}
