import { parseArgs } from 'node:util';
import { missingForSlowLinks } from '../faults/kernel/networks/missing.js';
import { currentRun, publish } from '../faults/report/publish.js';
import type { Row } from '../faults/report/row.js';
import { preparePythons, type ZeoVersion, zeoVersions } from '../support/python/environments.js';
import { allLosses, detect, type Round } from './detection.js';
import { missingHaproxy } from './haproxy.js';
import { detectionRows, detectionTable } from './rows.js';
import type { Way } from './ways.js';

const usage = `npm run test:guard -- PART… [--full] [--write]

  detection    ZEO's Python clients lose their server while they load: behind guard, HAProxy tuned and as usual, and directly

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
const perform: Readonly<Record<string, () => Promise<readonly Row[]>>> = { detection };
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
