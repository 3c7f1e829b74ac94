import type { Figure, Target } from '../figure.js';
import { Child } from '../harness/child.js';
import { compare, comparePairs, type Subjects } from '../harness/comparison.js';
import { type Program, runProgram } from '../harness/program.js';
import { interleave, summary } from '../harness/repetitions.js';
import type { ConnecterApi, ConnectionKind } from '../processes/connecter.js';
import type { ClientName, RequestCost, RequesterApi } from '../processes/requester.js';
import type { SocketIdlerApi } from '../processes/socket-idler.js';
import type { SocketServerApi, SocketServerPorts } from '../processes/socket-server.js';
import type { Scenario, ScenarioOptions } from '../scenario.js';
import { socketPeriod } from '../subjects/watched-sockets.js';

export const sockets: Scenario = {
  name: 'sockets',
  title: 'Watched sockets',
  about:
    `What it costs to have the sockets of a process watched, with a period of ${socketPeriod} s. The server is another process on ` +
    'this machine, so the kernel’s table has both ends of each connection, twice as many as with a server elsewhere. *CPU*: of the ' +
    'whole process, in per cent of a core, while its sockets are idle, in three windows of 10 s; most of it is the kernel’s, which ' +
    'goes through its whole hash table of connections at each look. *Longest pause*: by how much the main loop is late at ' +
    'most in 3 s, at a resolution of 1 ms. *A connection*: CPU time of the main thread to make and close one, which is short, ' +
    'or lasts until it is watched; with and without in turn, in one process, and the median of what each pair differs by. *A request*: the same way, over 16 ' +
    'connections; with fewer microseconds of wall time a request there are more requests a second. *First line*: from the start of the ' +
    'process to the first line of an application that is run with `--import`, beside an empty module; *CPU to 0.5 s later* has what was put off as well.',
  async run(options) {
    await using server = new Child<SocketServerApi>(processModule('socket-server'));
    const ports = await server.call('listen', undefined);
    return [
      ...(await measureIdle(ports, options)),
      ...(await measureConnections(ports, options)),
      ...(await measureRequests(ports, options)),
      ...(await measureStart(options)),
    ];
  },
};

const subjects: Subjects = ['not watched', 'watched'];

async function measureIdle(
  { silent: port }: SocketServerPorts,
  { quick, progress }: ScenarioOptions,
): Promise<Figure[]> {
  const counts = quick ? [1, 100] : [1, 100, 1000, 10_000];
  const targets: Readonly<Record<number, Target>> = {
    100: { on: 'difference', atMost: 0.1 },
    10000: { on: 'difference', atMost: 2 },
  };
  const figures: Figure[] = [];
  for (const count of counts) {
    const sockets = count === 1 ? '1 socket' : `${count.toLocaleString('en-US')} sockets`;
    progress(sockets);
    const idle = (isWatched: boolean) => measureIdler({ port, count, isWatched }, quick);
    // At the same time, so that other load on the machine affects both; but with many sockets those of the other process would
    // be much of what the agent reads.
    const [unwatched, watched] =
      count > mostAtOnce
        ? [await idle(false), await idle(true)]
        : await Promise.all([idle(false), idle(true)]);
    figures.push(
      ...compare(
        subjects,
        { of: `CPU, ${sockets}`, unit: '%', target: targets[count] },
        unwatched.percents,
        watched.percents,
      ),
      ...compare(
        subjects,
        { of: `longest pause, ${sockets}`, unit: 'ms', target: { on: 'difference', atMost: 1 } },
        unwatched.pausesMs,
        watched.pausesMs,
      ),
    );
  }
  return figures;
}

const mostAtOnce = 1000;

/** One process, window by window. */
async function measureIdler(sockets: Parameters<SocketIdlerApi['open']>[0], quick: boolean) {
  const [settleMs, windows, cpuMs, pausesMs] = quick ? [500, 2, 1000, 500] : [30_000, 3, 10_000, 3000];
  await using child = new Child<SocketIdlerApi>(processModule('socket-idler'));
  await child.call('open', sockets);
  // V8 tidies up for half a minute after a process has allocated much; that has nothing to do with what is measured.
  await child.call('cpu', { ms: settleMs });
  const percents: number[] = [];
  for (let window = 0; window < windows; window++) {
    const { totalUs } = await child.call('cpu', { ms: cpuMs });
    percents.push(totalUs / (cpuMs * 10));
  }
  const longestMs: number[] = [];
  for (let window = 0; window < windows; window++)
    longestMs.push((await child.call('pauses', { ms: pausesMs })).maxMs);
  return { percents, pausesMs: longestMs };
}

async function measureConnections(
  { silent: port }: SocketServerPorts,
  { quick, progress }: ScenarioOptions,
): Promise<Figure[]> {
  const kinds: readonly ConnectionKind[] = ['short', 'lasting'];
  const figures: Figure[] = [];
  for (const kind of kinds) {
    progress(`connections, ${kind}`);
    await using child = new Child<ConnecterApi>(processModule('connecter'));
    const [count, batches] = quick ? [100, 2] : [1000, kind === 'short' ? 60 : 20];
    const costs = await child.call('measure', { kind, port, count, batches });
    const what = {
      of: `a connection, ${kind}`,
      unit: 'µs',
      target: { on: 'difference', atMost: 5 },
    } as const;
    figures.push(...comparePairs(subjects, what, costs.unwatched, costs.watched));
  }
  return figures;
}

async function measureRequests(
  { http: port }: SocketServerPorts,
  { quick, progress }: ScenarioOptions,
): Promise<Figure[]> {
  const clients: readonly ClientName[] = [
    'http.Agent, keep-alive',
    'http.Agent, a connection each',
    'undici',
  ];
  const figures: Figure[] = [];
  for (const client of clients) {
    progress(`requests, ${client}`);
    await using child = new Child<RequesterApi>(processModule('requester'));
    const [sliceMs, slices] = quick ? [100, 2] : [700, 32];
    const { unwatched, watched } = await child.call('measure', { client, port, sliceMs, slices });
    const target = { on: 'ratio', atMost: 1.02 } as const;
    const both = (name: string, cost: (request: RequestCost) => number) =>
      comparePairs(
        subjects,
        { of: `a request, ${client}, ${name}`, unit: 'µs', target },
        unwatched.map(cost),
        watched.map(cost),
      );
    figures.push(...both('wall time', ({ wallUs }) => wallUs), ...both('CPU', ({ cpuUs }) => cpuUs));
  }
  return figures;
}

async function measureStart({ quick, progress }: ScenarioOptions): Promise<Figure[]> {
  const register = new URL('../../../dist/src/register.js', import.meta.url);
  const empty = '--import an empty module';
  const programs: Readonly<Record<string, Omit<Program, 'module'>>> = {
    [empty]: { imports: processModule('empty-module'), env: {} },
    'without a setting': { imports: register, env: {} },
    'with a period': { imports: register, env: { ZEO_KEEPALIVE_PERIOD: '10' } },
    'with a period and sockets': {
      imports: register,
      env: { ZEO_KEEPALIVE_PERIOD: '10', ZEO_KEEPALIVE_SOCKETS: 'all' },
    },
  };
  const module = processModule('first-line');
  const variants = Object.entries(programs).map(([name, program]) => ({
    name,
    measure: async () => JSON.parse(await runProgram({ module, ...program })) as Start,
  }));
  progress('start');
  const starts = await interleave(variants, quick ? 1 : 15, () => {});
  const sides = [
    { of: 'first line', side: 'firstLineMs', target: { on: 'difference', atMost: 5 } },
    { of: 'CPU to 0.5 s later', side: 'cpuMs', target: undefined },
  ] as const;
  return sides.flatMap(({ of, side, target }) => {
    const figure = (subject: string) => summary((starts.get(subject) ?? []).map((start) => start[side]));
    const baseline = { subject: empty, value: figure(empty).value };
    return variants.map(
      ({ name: subject }): Figure => ({
        subject,
        of,
        ...figure(subject),
        unit: 'ms',
        ...(subject !== empty && { baseline, ...(target && { target }) }),
      }),
    );
  });
}

interface Start {
  readonly firstLineMs: number;
  readonly cpuMs: number;
}

function processModule(name: string): URL {
  return new URL(`../processes/${name}.js`, import.meta.url);
}
