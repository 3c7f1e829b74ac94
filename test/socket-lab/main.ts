import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type ClientName, clientNames, programOf } from './clients/all.js';
import { setups } from './clients/client.js';
import { missingControlGroups } from './control-group.js';
import { falseDrops, loseSome, type Stall, stand, starve, waitFor } from './false-drops.js';
import { type Drop, silentDrop } from './silent-drop.js';
import { missingForSockets, SocketLab } from './socket-lab.js';
import { stallsAlone } from './stalls-alone.js';
import { summary, turningMs } from './summary.js';

const usage = `npm run test:sockets -- PART… [--phases N] [--minutes N] [--json FILE]

  drop         each client in each state has its path cut N times (300) at a random moment
  alone        the same clients without the agent, once: as they come, and with their shortest deadlines
  false-drops  what no connection may die of: stalls, computing servers, closed windows, a fiftieth of a processor
  loss         nor may one of 1 % packet loss; and what 10 % do

  --minutes N  of 1 % packet loss (60)
  --json FILE  writes the outcome of each cut`;

/** Of each client in each state, at the same time. */
const phasesAtOnce = 15;
const capMs = 60_000;

const { values: flags, positionals: parts } = parseArgs({
  allowPositionals: true,
  options: {
    phases: { type: 'string', default: '300' },
    minutes: { type: 'string', default: '60' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const run: Readonly<Record<string, () => Promise<void>>> = {
  drop: () => drop(Number(flags.phases)),
  alone,
  'false-drops': healthy,
  loss: () => loss(Number(flags.minutes) * 60),
};
if (flags.help || parts.length === 0 || parts.some((part) => !Object.hasOwn(run, part))) {
  console.log(usage);
  process.exit(flags.help ? 0 : 2);
}
const wanted = Object.values(programOf);
const missing = missingForSockets(wanted);
if (missing !== undefined) throw new Error(`The lab cannot run here: ${missing}`);
for (const part of parts) await run[part]?.();

async function drop(phases: number): Promise<void> {
  await using lab = await SocketLab.start(wanted);
  await using app = await lab.startApp();
  const [bounds] = app.all('bounds');
  if (bounds === undefined) throw new Error('The agent has reported no bounds');
  const { idleMs, inFlightMs } = bounds;
  const drops: Drop[] = [];
  for (let left = phases; left > 0; left -= phasesAtOnce) {
    drops.push(
      ...(await silentDrop(lab, app, { clients: clientNames, phases: Math.min(left, phasesAtOnce) })),
    );
    console.log(`${drops.length} cuts`);
    if (flags.json !== undefined) writeFileSync(flags.json, JSON.stringify({ idleMs, inFlightMs, drops }));
  }
  const boundOf = ({ state }: Drop) => (state === 'in flight' ? inFlightMs : idleMs);
  const late = drops.filter((drop) => (turningMs(drop) ?? Number.POSITIVE_INFINITY) > boundOf(drop));
  console.log(`Bounds: idle ${idleMs} ms, in flight ${inFlightMs} ms`);
  for (const line of summary(drops)) console.log(line);
  console.log(`${late.length} of ${drops.length} were not found within the bound`);
  for (const one of late) console.log(JSON.stringify(one));
}

async function alone(): Promise<void> {
  await using lab = await SocketLab.start(wanted);
  for (const setup of setups) {
    await using app = await lab.startApp({ alone: true });
    const drops = await silentDrop(lab, app, {
      clients: clientNames,
      phases: 1,
      alone: setup,
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
  print(`50 stalls of 0.1 to 30 s by ${kinds.join(', ')}`, await falseDrops(lab, some(200), stand(stalls)));
  const quiet: readonly ClientName[] = [...clientNames, 'unread socket', 'computing server'];
  print('60 s without a byte, and with a closed window', await falseDrops(lab, quiet, waitFor(60)));
  if (noGroups === undefined)
    print('2 % of a processor for 60 s', await falseDrops(lab, some(44), starve(2, 60)));
}

async function loss(seconds: number): Promise<void> {
  await using lab = await SocketLab.start(wanted);
  print(
    `1 % loss for ${seconds} s`,
    await falseDrops(lab, some(110), loseSome(lab, 0.01, seconds, console.log)),
  );
  const lossy = Math.min(seconds, 600);
  print(`10 % loss for ${lossy} s`, await falseDrops(lab, some(110), loseSome(lab, 0.1, lossy, console.log)));
}

function some(count: number): ClientName[] {
  return Array.from({ length: count }, (_, index) => clientNames[index % clientNames.length] as ClientName);
}

function print(what: string, outcome: object): void {
  console.log(`${what}: ${JSON.stringify(outcome)}`);
}
