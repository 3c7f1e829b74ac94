import type { Figure } from '../figure.js';
import { Child, ownProcesses } from '../harness/child.js';
import { PythonScript } from '../harness/python.js';
import { interleave, summary } from '../harness/repetitions.js';
import { openServer, type ServerKind } from '../harness/servers.js';
import type { StorageClientApi } from '../processes/storage-client.js';
import type { ComparedCase, Scenario, ScenarioOptions } from '../scenario.js';

const atOnce = 64;
const objects = 100;

export const storage: Scenario = {
  name: 'storage',
  title: "Loads and commits, compared with ZEO's Python client",
  about:
    `Wall time of a load of 1 KiB, one after the other and ${atOnce} at a time, and of a transaction that stores ` +
    `${objects} objects of 1 KiB, from \`tpcBegin\` to the end of \`tpcFinish\`; ZEO's server has a FileStorage. ` +
    'Loads are shown as the mean of a repetition; transactions, a few of which take many times as long on a busy machine, as ' +
    'the median. *Python* is ' +
    "ZEO's own `ClientStorage` on the same server. Neither has a cache, so that every load asks the server, and while one " +
    `is measured the other is not connected. Python can have ${atOnce} loads under way in two ways, and both are compared: ` +
    'as many *threads*, or *prefetch*, which brings a batch into the cache (used only here, and emptied before), from which ' +
    'it is then loaded.',
  needsPython: true,
  async run(options) {
    const figures: Figure[] = [];
    for (const kind of ['embedded', 'python'] as const) figures.push(...(await measureOn(kind, options)));
    return figures;
  },
  compared: (quick) => [
    compared('load', quick, 1),
    compared(`load, ${atOnce} at a time`, quick, atOnce),
    {
      of: `commit of ${objects}`,
      unit: 'ms',
      measure: (processes) =>
        onEmbedded(processes, (node, address) =>
          node.call('commit', { address, count: quick ? 2 : 60, objects }),
        ),
    },
  ],
};

/** The same operation by this package and, in one or more ways, by Python. Each resolves to milliseconds. */
interface Comparison {
  readonly of: string;
  readonly unit: 'µs' | 'ms';
  ours(): Promise<number>;
  readonly pythons: { readonly [subject: string]: () => Promise<number> };
}

async function measureOn(kind: ServerKind, { quick, progress }: ScenarioOptions): Promise<Figure[]> {
  const on = kind === 'embedded' ? 'embedded server' : "ZEO's server";
  await using server = await openServer(kind);
  await using node = new Child<StorageClientApi>(new URL('storage-client.js', ownProcesses));
  await using script = new PythonScript('storage_client.py', []);
  await script.nextLine();
  const { address } = server;
  const python = async (work: object) => {
    script.write({ address, ...work });
    return (await script.nextLine<{ ms: number }>()).ms;
  };
  const oids = await node.call('write', { address, count: quick ? 128 : 1024 });
  const rounds = quick ? 1 : 2;
  const commits = { count: quick ? 2 : 20, objects };
  const comparisons: readonly Comparison[] = [
    {
      of: `load, ${on}`,
      unit: 'µs',
      ours: () => node.call('load', { address, oids, rounds, atOnce: 1 }),
      pythons: { Python: () => python({ do: 'load', oids, rounds, threads: 1 }) },
    },
    {
      of: `load, ${atOnce} at a time, ${on}`,
      unit: 'µs',
      ours: () => node.call('load', { address, oids, rounds: 2 * rounds, atOnce }),
      pythons: {
        'Python, threads': () => python({ do: 'load', oids, rounds, threads: atOnce }),
        'Python, prefetch': () => python({ do: 'prefetch', oids, rounds, at_once: atOnce }),
      },
    },
    {
      of: `commit of ${objects}, ${on}`,
      unit: 'ms',
      ours: () => node.call('commit', { address, ...commits }),
      pythons: { Python: () => python({ do: 'commit', ...commits }) },
    },
  ];
  const figures: Figure[] = [];
  for (const comparison of comparisons) {
    const { of } = comparison;
    figures.push(...(await compare(comparison, quick ? 1 : 15, (line) => progress(`${of}: ${line}`))));
  }
  return figures;
}

async function compare(
  { of, unit, ours, pythons }: Comparison,
  repetitions: number,
  progress: (line: string) => void,
): Promise<Figure[]> {
  const subject = 'ClientStorage';
  const variants = Object.entries({ ...pythons, [subject]: ours }).map(([name, measure]) => ({
    name,
    measure,
  }));
  // The first round compiles the code.
  await interleave(variants, 1, () => {});
  const ms = await interleave(variants, repetitions, progress);
  const figureOf = (subject: string): Figure => {
    const values = ms.get(subject) as number[];
    return { subject, of, unit, ...summary(unit === 'µs' ? values.map((value) => value * 1000) : values) };
  };
  const baselines = Object.keys(pythons).map(figureOf);
  const mine = figureOf(subject);
  return [
    ...baselines,
    ...baselines.map(({ subject, value }): Figure => {
      return { ...mine, baseline: { subject, value }, target: { on: 'ratio', atMost: 1 } };
    }),
  ];
}

function compared(of: string, quick: boolean, atOnce: number): ComparedCase {
  const count = quick ? 128 : 1024;
  return {
    of,
    unit: 'µs',
    measure: (processes) =>
      onEmbedded(processes, async (node, address) => {
        const oids = await node.call('write', { address, count });
        // The first loads compile the code.
        await node.call('load', { address, oids, rounds: 2, atOnce });
        return 1000 * (await node.call('load', { address, oids, rounds: quick ? 1 : 10, atOnce }));
      }),
  };
}

async function onEmbedded(
  processes: URL,
  work: (node: Child<StorageClientApi>, address: string) => Promise<number>,
): Promise<number> {
  await using server = await openServer('embedded', processes);
  await using node = new Child<StorageClientApi>(new URL('storage-client.js', processes));
  return await work(node, server.address);
}
