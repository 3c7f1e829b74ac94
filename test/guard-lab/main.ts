import { parseArgs } from 'node:util';
import { missingForSlowLinks } from '../faults/kernel/networks/missing.js';
import { currentRun, publish } from '../faults/report/publish.js';
import type { Row } from '../faults/report/row.js';
import { missingControlGroups } from '../socket-lab/control-group.js';
import type { Standstill } from '../socket-lab/standstill.js';
import { preparePythons, type ZeoVersion, zeoVersions } from '../support/python/environments.js';
import { allLosses, detect, period, type Round, timeout } from './detection.js';
import { missingHaproxy } from './haproxy.js';
import { loseHerd } from './herd.js';
import { detectionRows, detectionTable, guardTopics, herdRow, survivalRow, transferRow } from './rows.js';
import { type SlowPath, transferSlowly } from './slow-path.js';
import { loseSome, stand, survive, type Times } from './survival.js';
import type { Way } from './ways.js';

const usage = `npm run test:guard -- PART… [--full] [--write]

  detection    ZEO's Python clients lose their server while they load: behind guard, HAProxy tuned and as usual, and directly
  stalls       idle clients while the process of guard is stopped again and again: nobody may be reset
  loss         1 % of packets are lost between guard and server: nobody may be reset, unless T = 1 s
  slow-path    a record of 64 MiB over a slow path, both ways, also with a client that stops in the middle
  herd         a thousand clients lose their server at once

  --full   the size of the published figures
  --write  merges the figures into docs/reliability.json, and writes docs/reliability.md from it

Exits with 1 if a promise was broken.`;

const { values: flags, positionals: parts } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const perform: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  detection,
  stalls,
  loss,
  'slow-path': slowPath,
  herd,
};
if (flags.help || parts.length === 0 || parts.some((part) => !Object.hasOwn(perform, part))) {
  console.log(usage);
  process.exit(flags.help ? 0 : 2);
}
const missing = missingForSlowLinks();
if (missing !== undefined) throw new Error(`The lab cannot run here: ${missing}`);
await preparePythons();
const run = currentRun(flags.full ? 'full' : 'scaled');
const startMs = performance.now();
for (const part of parts) note(await perform[part]?.());
process.exit();

async function detection(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const version of zeoVersions) {
    const phases = await detect(version, roundsFor(version), (line, phases) => {
      progress(`ZEO ${version}, ${line}`);
      for (const { failedMs, answeredMs } of phases)
        console.log(`  failed ${seconds(failedMs)}, answered ${seconds(answeredMs)}`);
    });
    console.log(`\nZEO ${version}\n\n${detectionTable(phases)}\n`);
    rows.push(...detectionRows(phases, version, run));
  }
  return rows;
}

/**
 * With ZEO 6.2 at full size, 100 phases of each loss where it is noticed, 20 at once; where a load hangs until the cap, and with
 * ZEO 5.4.1, only a few.
 */
function roundsFor(version: ZeoVersion): Round[] {
  const isMain = flags.full && version === '6.2';
  const atOnce = flags.full ? 20 : 5;
  const turns = isMain ? 5 : 1;
  const proxies: readonly Way[] = missingHaproxy() === undefined ? ['HAProxy, tuned', 'HAProxy'] : [];
  const shown: readonly Way[] = version === '6.2' ? ['guard', ...proxies, 'direct'] : ['guard'];
  return Array.from({ length: turns }, (_, turn) =>
    allLosses.flatMap((loss) =>
      shown.flatMap((way): Round[] => {
        const hangs = way === 'direct' || (way === 'HAProxy' && loss !== 'path dropped');
        if (hangs && turn > 0) return [];
        return [{ loss, way, count: hangs ? 3 : atOnce }];
      }),
    ),
  ).flat();
}

async function stalls(): Promise<Row[]> {
  const kinds: readonly Standstill[] = missingControlGroups() ? ['SIGSTOP'] : ['SIGSTOP', 'frozen'];
  const [clients, count] = flags.full ? [200, 50] : [50, 5];
  // As many of 0.1 to 0.8 s as of 0.8 to 6 s.
  const all = Array.from({ length: count }, (_, index) => ({
    by: kinds[index % kinds.length] as Standstill,
    ms: 100 * 60 ** (index / (count - 1)),
  }));
  const outcome = await survive(clients, { period, timeout }, stand(all, progress));
  progress(JSON.stringify(outcome));
  const what = `${count} stalls of 0.1 to 6 s: ${kinds.join(', ')}`;
  return [survivalRow(guardTopics.stalls, what, outcome, run)];
}

async function loss(): Promise<Row[]> {
  const [clients, lasting] = flags.full ? [200, 180] : [50, 10];
  // With the defaults, and with one second: in that three transmissions of a packet are lost now and then.
  const settings: readonly Times[] = [
    { period: 10, timeout: 5 },
    { period, timeout },
  ];
  return Promise.all(
    settings.map(async (times) => {
      const what = `1 % for ${lasting} s, P ${times.period} s, T ${times.timeout} s`;
      const report = (line: string) => progress(`${what}: ${line}`);
      const outcome = await survive(clients, times, loseSome(0.01, lasting, report));
      report(JSON.stringify(outcome));
      return survivalRow(guardTopics.loss, what, outcome, run, times.timeout > 1);
    }),
  );
}

async function slowPath(): Promise<Row[]> {
  const path: SlowPath = flags.full
    ? { mebibytes: 64, megabits: 50, times: { period: 1, timeout: 3 }, stopMs: 6000 }
    : { mebibytes: 8, megabits: 20, times: { period: 1, timeout: 1 }, stopMs: 2000 };
  const transfers = await transferSlowly(path, progress);
  return transfers.map((transfer) => transferRow(transfer, path, run));
}

async function herd(): Promise<Row[]> {
  const rows: Row[] = [];
  const [count, server] = flags.full ? ([1000, 'zeo-6.2'] as const) : ([200, 'embedded'] as const);
  for (const loss of ['server stopped', 'path dropped'] as const) {
    const outcome = await loseHerd({ count, server, times: { period, timeout }, loss });
    const row = herdRow(outcome, run);
    progress(`${row.variant}: all reset after ${row.maxMs} ms; ${row.notes}`);
    rows.push(row);
  }
  return rows;
}

function note(rows: readonly Row[] = []): void {
  for (const { fault, variant, server, broken } of rows) {
    for (const phrase of broken) console.error(`BROKEN: ${fault}, ${variant}, ${server}: ${phrase}`);
    if (broken.length > 0) process.exitCode = 1;
  }
  if (flags.write) publish(rows);
}

function progress(line: string): void {
  console.log(`${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s  ${line}`);
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? 'never' : `${(ms / 1000).toFixed(2)} s`;
}
