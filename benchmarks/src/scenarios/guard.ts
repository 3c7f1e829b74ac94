import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../figure.js';
import { Child } from '../harness/child.js';
import { PythonScript } from '../harness/python.js';
import { interleave, summary } from '../harness/repetitions.js';
import { openServer } from '../harness/servers.js';
import type { IdlerApi } from '../processes/idler.js';
import type { StorageClientApi } from '../processes/storage-client.js';
import type { Scenario, ScenarioOptions } from '../scenario.js';
import { hasHaproxy, type RelayKind, relayKinds, Way } from '../subjects/relays.js';

const threads = 16;
const largeOid = 'ff'.padStart(16, '0');
const smallOid = 'fe'.padStart(16, '0');

export const guard: Scenario = {
  name: 'guard',
  title: 'Guard, compared with a bare pipe and HAProxy',
  about:
    "What lies between ZEO's Python client and ZEO's server: nothing, two sockets of Node piped into each other, HAProxy as " +
    'it is usually configured and tuned (checks of the greeting, `tcp-ut`, probes, a buffer of 1 MiB), and `guard` with a ' +
    'period of 10 s. Each is a fresh process in each round, and has relayed some thousand loads before they are timed. *A ' +
    `load*: of 1 KiB, one after the other; the median of a round. *A load, ${threads} threads*: wall time divided by the ` +
    'number of loads. *A large record*: its transaction, and its load, the median of five; *memory* is the most that ' +
    'the process has grown to in a transaction and a load. *Idle*: clients that are registered and do nothing; CPU in per cent of a core, memory for each.',
  needsPython: true,
  async run(options) {
    if (!hasHaproxy()) options.progress('without HAProxy, which is not installed');
    return [
      ...(await measureLoads(options)),
      ...(await measureLargeRecords(options)),
      ...(await measureIdle(options)),
    ];
  },
};

/** What is measured of each kind of relay, in a fresh process each time. */
interface Loads {
  readonly loadUs: number;
  readonly threadsUs: number;
}

interface LargeRecord {
  readonly storeMs: number;
  readonly loadMs: number;
  readonly memoryMib: number;
}

interface Idle {
  readonly percent: number;
  readonly kib: number;
}

async function measureLoads({ quick, progress }: ScenarioOptions): Promise<Figure[]> {
  await using server = await openServer('python');
  await using writer = new Child<StorageClientApi>(
    new URL('../processes/storage-client.js', import.meta.url),
  );
  const oids = await writer.call('write', { address: server.address, count: 128 });
  await using client = await PythonClient.open();
  const [rounds, passes] = quick ? [1, 2] : [15, 24];
  const loads = await inTurn(rounds, progress, async (kind): Promise<Loads> => {
    await using way = await Way.open(kind, server.address);
    const { address } = way;
    await client.ms({ do: 'load_median', address, oids, rounds: passes });
    const loadMs = await client.ms({ do: 'load_median', address, oids, rounds: passes });
    const threadsMs = await client.ms({ do: 'load', address, oids, rounds: 2 * passes, threads });
    return { loadUs: 1000 * loadMs, threadsUs: 1000 * threadsMs };
  });
  return [
    ...compare(loads, { of: 'a load', unit: 'µs', value: ({ loadUs }) => loadUs }, [
      ['bare pipe', 1.05],
      ['HAProxy', 1.1],
    ]),
    // That is 0.95 times its throughput.
    ...compare(loads, { of: `a load, ${threads} threads`, unit: 'µs', value: ({ threadsUs }) => threadsUs }, [
      ['bare pipe', 1.05],
    ]),
  ];
}

async function measureLargeRecords({ quick, progress }: ScenarioOptions): Promise<Figure[]> {
  await using server = await openServer('python');
  await using client = await PythonClient.open();
  // A load is mostly copying in Python's client, which takes from once to twice as long in the same process.
  const [rounds, loads, mebibytes, settleMs] = quick ? [1, 1, 4, 200] : [7, 5, 64, 5000];
  const record = { oid: largeOid, size: mebibytes * 2 ** 20 };
  const size = `${mebibytes} MiB`;
  const report = (line: string) => progress(`${size}: ${line}`);
  const records = await inTurn(rounds, report, async (kind): Promise<LargeRecord> => {
    await using way = await Way.open(kind, server.address);
    const { address } = way;
    // The first one loads its code, and meanwhile its worker thread starts.
    await client.ms({ do: 'store_large', address, oid: smallOid, size: 1024 });
    await sleep(settleMs);
    const bytesBefore = way.rssBytes;
    const storeMs = await client.ms({ do: 'store_large', address, ...record });
    const load = () => client.ms({ do: 'load_large', address, ...record });
    const loadsMs = [await load()];
    const memoryMib = (way.peakRssBytes - bytesBefore) / 2 ** 20;
    while (loadsMs.length < loads) loadsMs.push(await load());
    return { storeMs, loadMs: summary(loadsMs).value, memoryMib };
  });
  return [
    ...compare(records, { of: `store of ${size}`, unit: 'ms', value: ({ storeMs }) => storeMs }, [
      ['direct', 1.1],
    ]),
    ...compare(records, { of: `load of ${size}`, unit: 'ms', value: ({ loadMs }) => loadMs }, [
      ['direct', 1.1],
    ]),
    ...limit(records, { of: `memory for ${size}`, unit: 'MiB', value: ({ memoryMib }) => memoryMib }, 32),
  ];
}

async function measureIdle({ quick, progress }: ScenarioOptions): Promise<Figure[]> {
  const count = quick ? 20 : 200;
  const [rounds, settleMs, cpuMs] = quick ? [1, 200, 500] : [3, 30_000, 30_000];
  await using server = await openServer();
  const measure = async (kind: RelayKind): Promise<Idle> => {
    if (kind === 'direct') return { percent: 0, kib: 0 };
    await using way = await Way.open(kind, server.address);
    await using idler = new Child<IdlerApi>(new URL('../processes/idler.js', import.meta.url));
    const open = (count: number) =>
      idler.call('open', { address: way.address, count, period: 0, withAgent: false });
    // The first ones load its code; V8 gives memory back when it has been idle.
    await open(count / 10);
    await sleep(settleMs);
    const before = way.rssBytes;
    await open(count);
    await sleep(settleMs);
    const startUs = way.cpuUs;
    await sleep(cpuMs);
    return { percent: (way.cpuUs - startUs) / (cpuMs * 10), kib: (way.rssBytes - before) / count / 1024 };
  };
  const report = (line: string) => progress(`${count} idle clients: ${line}`);
  const idles = await inTurn(rounds, report, measure);
  idles.delete('direct');
  return [
    ...limit(idles, { of: `CPU, ${count} idle clients`, unit: '%', value: ({ percent }) => percent }, 0.5),
    ...limit(idles, { of: 'memory of an idle client', unit: 'KiB', value: ({ kib }) => kib }, 60),
  ];
}

/** Measures each kind of relay in turn, over and over. */
function inTurn<Result>(
  rounds: number,
  progress: (line: string) => void,
  measure: (kind: RelayKind) => Promise<Result>,
): Promise<Results<Result>> {
  const variants = relayKinds().map((name) => ({ name, measure: () => measure(name) }));
  return interleave(variants, rounds, progress) as Promise<Results<Result>>;
}

type Results<Result> = Map<RelayKind, Result[]>;

interface Aspect<Result> {
  readonly of: string;
  readonly unit: string;
  value(result: Result): number;
}

/** All kinds beside `direct`; and guard beside those that it may be at most so many times as slow as. */
function compare<Result>(
  results: Results<Result>,
  aspect: Aspect<Result>,
  limits: readonly (readonly [RelayKind, number])[],
): Figure[] {
  const against = (subject: RelayKind, baseline: RelayKind): Figure => ({
    ...figure(results, aspect, subject),
    baseline: { subject: baseline, value: figure(results, aspect, baseline).value },
  });
  const relayed = [...results.keys()].filter((kind) => kind !== 'direct');
  return [
    figure(results, aspect, 'direct'),
    ...relayed.map((kind) => against(kind, 'direct')),
    ...limits
      .filter(([baseline]) => results.has(baseline))
      .map(([baseline, atMost]) => ({
        ...against('guard', baseline),
        target: { on: 'ratio' as const, atMost },
      })),
  ];
}

/** The relays alone, of which guard may have at most that much. */
function limit<Result>(results: Results<Result>, aspect: Aspect<Result>, atMost: number): Figure[] {
  const target = { on: 'value', atMost } as const;
  return [...results.keys()]
    .filter((kind) => kind !== 'direct')
    .map((kind) => ({ ...figure(results, aspect, kind), ...(kind === 'guard' && { target }) }));
}

function figure<Result>(
  results: Results<Result>,
  { of, unit, value }: Aspect<Result>,
  kind: RelayKind,
): Figure {
  return { subject: kind, of, ...summary((results.get(kind) ?? []).map(value)), unit };
}

/** ZEO's own client, with a connection of its own for each work. */
class PythonClient implements AsyncDisposable {
  readonly #script = new PythonScript('storage_client.py', []);

  static async open(): Promise<PythonClient> {
    const client = new PythonClient();
    await client.#script.nextLine();
    return client;
  }

  async ms(work: object): Promise<number> {
    this.#script.write(work);
    return (await this.#script.nextLine<{ ms: number }>()).ms;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#script[Symbol.asyncDispose]();
  }
}
