import { parseArgs } from 'node:util';
import { currentRun, publish } from '../faults/report/publish.js';
import type { Row } from '../faults/report/row.js';
import { textTable } from '../faults/report/table.js';
import { adaptedNames as allNames, type ClientName } from '../socket-lab/clients/all.js';
import { missingControlGroups } from '../socket-lab/control-group.js';
import { falseDrops, load, type Ordeal, type Stall, stand, waitFor } from '../socket-lab/false-drops.js';
import { falseDropsRow } from '../socket-lab/rows.js';
import type { ProgramName } from '../socket-lab/servers/programs.js';
import { type Drop, silentDrop } from '../socket-lab/silent-drop.js';
import { missingForSockets, period, SocketLab, timeout } from '../socket-lab/socket-lab.js';
import { adapterTopics, deathRows, isPingedInCall } from './rows.js';
import { stopServers } from './stopped.js';

const usage = `npm run test:adapters -- PART… [--client NAME]… [--full] [--write]

  drop     each client has its path cut while it is idle and in a call; and alone, with its shortest deadlines
  stopped  the servers are stopped, with a hang timeout of 1 s and with the default; and the clients alone
  stalls   the application stands still again and again: nobody may be dropped
  busy     the server takes long for a query, a command or a script, or waits for a transaction: nobody may be dropped
  load     pools of twenty and a single client under full load: nobody may be dropped

  --client only this one in drop, stopped and stalls, without --write: ${allNames.join(', ')}
  --full   the size of the published figures
  --write  merges the figures into docs/reliability.json, and writes docs/reliability.md from it

Exits with 1 if a promise was broken.`;

const { values: flags, positionals: parts } = parseArgs({
  allowPositionals: true,
  options: {
    client: { type: 'string', multiple: true, default: [...allNames] },
    full: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const perform: Readonly<Record<string, (lab: SocketLab) => Promise<readonly Row[]>>> = {
  drop,
  stopped,
  stalls,
  busy,
  load: underLoad,
};
const isKnown = (name: string) => allNames.some((known) => known === name);
if (
  flags.help ||
  parts.length === 0 ||
  !flags.client.every(isKnown) ||
  // A part of the rows would replace all of them.
  (flags.write && flags.client.length < allNames.length) ||
  parts.some((part) => !Object.hasOwn(perform, part))
) {
  console.log(usage);
  process.exit(flags.help ? 0 : 2);
}
const adaptedNames = allNames.filter((name) => flags.client.includes(name));
const wanted: readonly ProgramName[] = ['postgresql', 'mariadb', 'redis', 'rabbitmq', 'mosquitto', 'nats'];
const missing = missingForSockets(wanted);
if (missing !== undefined) throw new Error(`The lab cannot run here: ${missing}`);
const run = currentRun(flags.full ? 'full' : 'scaled');
const startMs = performance.now();
const marginMs = 1000;
// These two only wait, each with servers of its own.
const together = parts.filter((part) => ['stalls', 'busy'].includes(part));
const oneByOne = parts.filter((part) => !together.includes(part)).map((part) => [part]);
for (const group of [...oneByOne, together])
  await Promise.all(
    group.map(async (part) => {
      await using lab = await SocketLab.start(wanted);
      note((await perform[part]?.(lab)) ?? []);
    }),
  );
process.exit();

async function drop(lab: SocketLab): Promise<Row[]> {
  const [phases, atOnce] = flags.full ? [100, 20] : [5, 5];
  const boundMs = (period + timeout) * 1000 + marginMs;
  const states = ['idle', 'in flight'] as const;
  const drops: Drop[] = [];
  await using app = await lab.startApp({ watched: 'registry' });
  for (let left = phases; left > 0; left -= atOnce) {
    const clients = { clients: adaptedNames, phases: Math.min(left, atOnce), states };
    drops.push(...(await silentDrop(lab, app, { ...clients, setup: 'adapter' })));
    progress(`${drops.length} cuts`);
  }
  await using plain = await lab.startApp({ alone: true });
  const shortest = { clients: adaptedNames, states, setup: 'shortest', alone: true } as const;
  const alone = await silentDrop(lab, plain, { ...shortest, phases: 5, patienceMs: 30_000 });
  return print([
    ...deathRows(adapterTopics.drop, drops, '', () => boundMs, run),
    ...deathRows(adapterTopics.drop, alone, ', alone with its shortest deadlines', () => undefined, run),
  ]);
}

async function stopped(lab: SocketLab): Promise<Row[]> {
  // A stop waits as long with many applications as with one, each of which is a phase; but twenty keep two cores busy.
  const [rounds, atOnce] = flags.full ? [10, 10] : [1, 3];
  const rows: Row[] = [];
  for (const hangTimeout of [1, undefined]) {
    const hangMs = (hangTimeout ?? 30) * 1000;
    const boundMs = period * 1000 + hangMs + marginMs;
    const times = { period, timeout, ...(hangTimeout === undefined ? {} : { hangTimeout }) };
    const options = { clients: adaptedNames, setup: 'adapter', patienceMs: boundMs + 5000 } as const;
    const apps = await Promise.all(
      Array.from({ length: atOnce }, () => lab.startApp({ watched: 'registry', times })),
    );
    const drops: Drop[] = [];
    for (let round = 0; round < rounds; round++) {
      drops.push(...(await stopServers(lab, apps, options)));
      progress(`hang timeout ${hangMs / 1000} s, ${round + 1} of ${rounds}`);
    }
    await Promise.all(apps.map((app) => app[Symbol.asyncDispose]()));
    const promised = ({ name, state }: Drop) =>
      state === 'in flight' && !isPingedInCall(name) ? undefined : boundMs;
    rows.push(...deathRows(adapterTopics.stopped, drops, `, hang timeout ${hangMs / 1000} s`, promised, run));
  }
  await using plain = await lab.startApp({ alone: true });
  const options = { clients: adaptedNames, setup: 'shortest', patienceMs: 30_000 } as const;
  const alone = await stopServers(lab, [plain], options);
  const setting = ', alone with its shortest deadlines';
  rows.push(...deathRows(adapterTopics.stopped, alone, setting, () => undefined, run));
  return print(rows);
}

async function stalls(lab: SocketLab): Promise<Row[]> {
  const kinds: readonly Stall['by'][] = missingControlGroups()
    ? ['blocked', 'SIGSTOP']
    : ['blocked', 'SIGSTOP', 'frozen'];
  const [connections, count] = flags.full ? [200, 50] : [30, 5];
  // As many of 0.1 to 1.7 s as of 1.7 to 30 s.
  const all = Array.from({ length: count }, (_, index) => ({
    by: kinds[index % kinds.length] as Stall['by'],
    ms: 100 * 300 ** (index / (count - 1)),
  }));
  const what = `${count} stalls of 0.1 to 30 s: ${kinds.join(', ')}`;
  return [await survive(lab, 'stalls', what, some(connections), stand(all))];
}

async function busy(lab: SocketLab): Promise<Row[]> {
  const seconds = flags.full ? 30 : 5;
  const scriptSeconds = flags.full ? 10 : 3;
  const idle = Array.from({ length: 50 }, (): ClientName => 'ioredis');
  const cases: readonly [what: string, clients: readonly ClientName[]][] = [
    [`pg_sleep(${seconds})`, ['pg Pool', 'pg Client']],
    [`SLEEP(${seconds})`, ['mysql2 pool', 'mysql2 Connection']],
    [`BLPOP ${seconds}`, ['ioredis', 'redis']],
    [`a reply after ${seconds} s`, ['nats', 'ws', 'http2']],
    [
      `a transaction that is idle for ${seconds} s`,
      ['pg Pool in a transaction', 'pg Client in a transaction', 'mysql2 pool in a transaction'],
    ],
  ];
  const waiting = cases.flatMap(([what, clients]) => clients.map((client) => ({ what, client })));
  const hosts = lab.hosts(2 * waiting.length);
  const rows = await Promise.all(
    waiting.map(({ what, client }, at) => {
      const own = { client, hosts: hosts.slice(2 * at, 2 * at + 2) };
      return survive(lab, 'busy', what, [client], waitFor(seconds, [client]), own);
    }),
  );
  // The others of the same Redis would wait for it, too.
  const script = waitFor(scriptSeconds, ['ioredis with a script']);
  const what = `a script of ${scriptSeconds} s, and fifty idle connections`;
  rows.push(await survive(lab, 'busy', what, [...idle, 'ioredis with a script'], script));
  return rows;
}

async function underLoad(lab: SocketLab): Promise<Row[]> {
  const seconds = flags.full ? 600 : 10;
  const callers = 24;
  const clients: readonly ClientName[] = ['pg Pool of 20', 'mysql2 pool of 20', 'ioredis'];
  const what = `${callers} callers for ${seconds} s`;
  return [await survive(lab, 'load', what, clients, load(callers, seconds))];
}

async function survive(
  lab: SocketLab,
  topic: keyof typeof adapterTopics,
  what: string,
  clients: readonly ClientName[],
  ordeal: Ordeal,
  { client = 'all', hosts }: { readonly client?: string; readonly hosts?: readonly string[] } = {},
): Promise<Row> {
  const outcome = await falseDrops(lab, clients, ordeal, { setup: 'adapter', ...(hosts && { hosts }) });
  progress(`${client}, ${what}: ${JSON.stringify(outcome)}`);
  return falseDropsRow(adapterTopics[topic], what, outcome, run, true, client);
}

function some(count: number): ClientName[] {
  return Array.from({ length: count }, (_, index) => adaptedNames[index % adaptedNames.length] as ClientName);
}

function note(rows: readonly Row[]): void {
  for (const { fault, variant, server, broken } of rows) {
    for (const phrase of broken) console.error(`BROKEN: ${fault}, ${variant}, ${server}: ${phrase}`);
    if (broken.length > 0) process.exitCode = 1;
  }
  if (flags.write) publish(rows);
}

function print(rows: readonly Row[]): Row[] {
  console.log(textTable(rows));
  return [...rows];
}

function progress(line: string): void {
  console.log(`${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s  ${line}`);
}
