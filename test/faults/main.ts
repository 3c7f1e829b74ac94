import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { listOfSkips, type Skip } from '../skips.js';
import { preparePythons } from '../support/python/environments.js';
import type { ServerKind } from '../support/servers.js';
import { missingServer } from '../support/servers.js';
import { allFaults } from './all.js';
import type { Fault } from './fault.js';
import { excuse } from './report/judge.js';
import { currentRun, publish } from './report/publish.js';
import { type Row, rowOf } from './report/row.js';
import { textTable } from './report/table.js';

const usage = `npm run test:faults -- [name…] [--full] [--server KIND] [--json FILE] [--write]

  name           the fault of that name, or those whose names start with it; default: all
  --full         the size of the published figures instead of the suite's
  --server KIND  embedded, zeo-6.2 or zeo-5.4.1; default: all servers of the fault
  --json FILE    writes the rows of this run to a file
  --write        merges them into docs/reliability.json and writes docs/reliability.md from it

Exits with 1 if a promise was broken or a fault could not be completed.`;

const { values: flags, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    server: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (flags.help) {
  console.log(usage);
  process.exit();
}
const matching = (word: string): readonly Fault[] => {
  const exact = allFaults.filter(({ name }) => name === word);
  return exact.length > 0 ? exact : allFaults.filter(({ name }) => name.startsWith(word));
};
const unknown = words.filter((word) => matching(word).length === 0);
if (unknown.length > 0) {
  console.error(`No fault starts with ${unknown.join(', ')}. The faults are:`);
  for (const { name, about } of allFaults) console.error(`  ${name.padEnd(24)} ${about}`);
  process.exit(2);
}

await preparePythons();
const run = currentRun(flags.full ? 'full' : 'scaled');
const rows: Row[] = [];
const failures: string[] = [];
const skips: Skip[] = [];
const chosen = new Set(words.length > 0 ? words.flatMap(matching) : allFaults);
for (const fault of allFaults.filter((fault) => chosen.has(fault))) {
  for (const server of fault.servers) {
    if (flags.server === undefined || flags.server === server) await runFault(fault, server);
  }
}

console.log(`\n${textTable(rows)}\n`);
for (const { fault, variant, server, notes } of rows) {
  if (notes !== undefined) console.log(`${fault}, ${variant}, ${server}: ${notes}`);
}
for (const { fault, variant, server, broken } of rows) {
  for (const phrase of broken) failures.push(`${fault}, ${variant}, ${server}: ${phrase}`);
}
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(rows, undefined, 1)}\n`);
// Rows replace all those of the same fault and server, so a run of which only a part says something is not published.
const isWhole = ({ fault, server }: Row) => !skips.some(({ test }) => test === titleOf(fault, server));
if (flags.write) publish(rows.filter(isWhole));
console.log(listOfSkips(skips));
for (const failure of failures) console.error(`BROKEN: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;

function titleOf(fault: string, server: string): string {
  return `${fault} (${server})`;
}

async function runFault(fault: Fault, server: ServerKind): Promise<void> {
  const title = titleOf(fault.name, server);
  const missing = fault.missing?.() ?? missingServer(server);
  if (missing !== undefined) {
    skips.push({ test: title, reason: missing });
    return;
  }
  const startMs = performance.now();
  const progress = (line: string) => console.log(`${title}: ${line}`);
  try {
    const results = await fault.run({ size: run.size, server, progress });
    const [excused] = results.flatMap((result) => excuse(result) ?? []);
    if (excused !== undefined) skips.push({ test: title, reason: excused });
    const judged = results.filter((result) => excuse(result) === undefined);
    rows.push(...judged.map((result) => rowOf(fault, server, result, run)));
    progress(`done in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  } catch (error) {
    console.error(error);
    failures.push(`${title}: ${(error as Error).message}`);
  }
}
