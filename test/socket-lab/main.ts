import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { currentRun, publish } from '../faults/report/publish.js';
import type { Row } from '../faults/report/row.js';
import { type ClientName, clientNames, programOf } from './clients/all.js';
import { setups } from './clients/client.js';
import { missingControlGroups } from './control-group.js';
import { falseDrops, loseSome, type Ordeal, type Stall, stand, starve, waitFor } from './false-drops.js';
import { boundOf, dropRows, falseDropsRow, socketTopics } from './rows.js';
import { type Drop, silentDrop } from './silent-drop.js';
import { missingForSockets, period, SocketLab, type Times, timeout } from './socket-lab.js';
import { stallsAlone } from './stalls-alone.js';
import { summary, turningMs } from './summary.js';

const usage = `npm run test:sockets -- PART… [--phases N] [--minutes N] [--json FILE]

  drop         each client in each state has its path cut N times (300) at a random moment
  alone        the same clients without the agent, once: as they come, and with their shortest deadlines
  false-drops  what no connection may die of: stalls, computing servers, closed windows, a fiftieth of a processor
  loss         1 % of packets are lost, and then 10 %, with T = 1 s and with the defaults, at the same time

  --minutes N  of 1 % packet loss (60), and of 10 % (at most 10)
  --json FILE  writes the outcome of each cut
  --write      merges the figures into docs/reliability.json, and writes docs/reliability.md from it

Exits with 1 if a promise was broken.`;

/** Of each client in each state, at the same time. */
const phasesAtOnce = 15;
const capMs = 60_000;
/** In which packets are lost: those of the other parts, and the defaults. */
const settings: readonly Times[] = [
  { period, timeout },
  { period: 10, timeout: 5 },
];

const { values: flags, positionals: parts } = parseArgs({
  allowPositionals: true,
  options: {
    phases: { type: 'string', default: '300' },
    minutes: { type: 'string', default: '60' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const perform: Readonly<Record<string, () => Promise<void>>> = {
  drop: () => drop(Number(flags.phases)),
  alone,
  'false-drops': healthy,
  loss: () => loss(Number(flags.minutes) * 60),
};
if (flags.help || parts.length === 0 || parts.some((part) => !Object.hasOwn(perform, part))) {
  console.log(usage);
  process.exit(flags.help ? 0 : 2);
}
const wanted = Object.values(programOf);
const isFull = Number(flags.phases) >= 300 && Number(flags.minutes) >= 60;
const run = currentRun(isFull ? 'full' : 'scaled');
const missing = missingForSockets(wanted);
if (missing !== undefined) throw new Error(`The lab cannot run here: ${missing}`);
for (const part of parts) await perform[part]?.();

async function drop(phases: number): Promise<void> {
  await using lab = await SocketLab.start(wanted);
  await using app = await lab.startApp();
  const bounds = app.all('started')[0]?.socketBounds;
  if (bounds === undefined) throw new Error('The agent watches no sockets');
  const { idleMs, inFlightMs } = bounds;
  const drops: Drop[] = [];
  for (let left = phases; left > 0; left -= phasesAtOnce) {
    drops.push(
      ...(await silentDrop(lab, app, { clients: clientNames, phases: Math.min(left, phasesAtOnce) })),
    );
    console.log(`${drops.length} cuts`);
    if (flags.json !== undefined) writeFileSync(flags.json, JSON.stringify({ idleMs, inFlightMs, drops }));
  }
  const isLate = (drop: Drop) => (turningMs(drop) ?? Number.POSITIVE_INFINITY) > boundOf(drop, bounds);
  const late = drops.filter(isLate);
  console.log(`Bounds: idle ${idleMs} ms, in flight ${inFlightMs} ms`);
  for (const line of summary(drops)) console.log(line);
  console.log(`${late.length} of ${drops.length} were not found within the bound`);
  for (const one of late) console.log(JSON.stringify(one));
  note(dropRows(drops, bounds, run));
}

async function alone(): Promise<void> {
  await using lab = await SocketLab.start(wanted);
  for (const setup of setups) {
    await using app = await lab.startApp({ alone: true });
    const drops = await silentDrop(lab, app, {
      clients: clientNames,
      phases: 1,
      setup,
      alone: true,
      patienceMs: capMs,
    });
    console.log(`Alone, ${setup}, at most ${capMs / 1000} s`);
    for (const line of summary(drops)) console.log(line);
  }
  for (const setup of [...setups, 'with the agent'] as const) await stallsAlone(lab, setup, console.log);
}

/** What no connection may die of, at size. */
async function healthy(): Promise<void> {
  await using lab = await SocketLab.start(wanted);
  const noGroups = missingControlGroups();
  const kinds: readonly Stall['by'][] = noGroups ? ['blocked', 'SIGSTOP'] : ['blocked', 'SIGSTOP', 'frozen'];
  // As many of 0.1 to 1 s as of 1 to 10 s.
  const stalls = Array.from({ length: 50 }, (_, index) => ({
    by: kinds[index % kinds.length] as Stall['by'],
    ms: 100 * 300 ** (index / 49),
  }));
  const quiet: readonly ClientName[] = [...clientNames, 'unread socket', 'computing server'];
  const ordeals: [what: string, clients: readonly ClientName[], ordeal: Ordeal][] = [
    [`50 stalls of 0.1 to 30 s: ${kinds.join(', ')}`, some(200), stand(stalls)],
    ['60 s without a byte, with a computing server, and with a closed window', quiet, waitFor(60)],
  ];
  if (noGroups === undefined) ordeals.push(['2 % of a processor for 60 s', some(44), starve(2, 60)]);
  const rows: Row[] = [];
  for (const [what, clients, ordeal] of ordeals) {
    const outcome = await falseDrops(lab, clients, ordeal);
    print(what, outcome);
    rows.push(falseDropsRow(socketTopics['false-drops'], what, outcome, run));
  }
  note(rows);
}

async function loss(seconds: number): Promise<void> {
  const rows = await Promise.all(settings.map((times) => lossWith(times, seconds)));
  note(rows.flat());
}

async function lossWith(times: Times, seconds: number): Promise<Row[]> {
  await using lab = await SocketLab.start(wanted);
  const rows: Row[] = [];
  for (const [percent, lasting] of [
    [1, seconds],
    [10, Math.min(seconds, 600)],
  ] as const) {
    const what = `${percent} % for ${lasting} s, P ${times.period} s, T ${times.timeout} s`;
    const progress = (line: string) => console.log(`${what}: ${line}`);
    const outcome = await falseDrops(lab, some(110), loseSome(lab, percent / 100, lasting, progress), {
      times,
    });
    print(what, outcome);
    // Within a second three transmissions, or two probes, are lost now and then: that is what this timeout takes for a death.
    const isPromised = percent === 1 && times.timeout > 1;
    rows.push(falseDropsRow(socketTopics.loss, what, outcome, run, isPromised));
  }
  return rows;
}

function some(count: number): ClientName[] {
  return Array.from({ length: count }, (_, index) => clientNames[index % clientNames.length] as ClientName);
}

function print(what: string, outcome: object): void {
  console.log(`${what}: ${JSON.stringify(outcome)}`);
}

function note(rows: readonly Row[]): void {
  for (const { fault, variant, server, broken } of rows) {
    for (const phrase of broken) console.error(`BROKEN: ${fault}, ${variant}, ${server}: ${phrase}`);
    if (broken.length > 0) process.exitCode = 1;
  }
  if (flags.write) publish(rows);
}
