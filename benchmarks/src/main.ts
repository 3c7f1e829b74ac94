import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { preparePythons } from '../../dist/test/support/python/environments.js';
import { describeEnvironment, environmentInWords } from './environment.js';
import { missingPython } from './harness/servers.js';
import { writePage } from './report/page.js';
import { textTable } from './report/text-table.js';
import { type Result, readResults, writeResults } from './results.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios/all.js';

const usage = `npm run bench -- [scenario…] [--quick] [--json FILE] [--write] [--page]

  scenario     one or more of: ${scenarios.map(({ name }) => name).join(', ')}; default: all
  --quick      small and short, to check that it works
  --json FILE  merges the results into FILE, which keeps those of other scenarios
  --write      merges the results into docs/performance.json and generates docs/performance.md and its plots from it
  --page       measures nothing; generates docs/performance.md and its plots from docs/performance.json, or from
               the FILE of --json`;

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const published = path.join(docs, 'performance.json');

const { values: flags, positionals: names } = readArguments();
if (flags.help) {
  console.log(usage);
  process.exit();
}
const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(`No such scenario: ${unknown.join(', ')}\n\n${usage}`);
  process.exit(2);
}
if (flags.page) {
  writePage(docs, readResults(flags.json ?? published));
  process.exit();
}

const chosen = scenarios.filter(({ name }) => names.length === 0 || names.includes(name));
// Without a Python with ZEO the measurements that need it are left out.
if (chosen.some(({ usesPython, needsPython }) => usesPython || needsPython)) await preparePythons();
const results: Result[] = [];
for (const scenario of chosen) {
  const result = await runScenario(scenario);
  results.push(result);
  if (flags.json !== undefined) writeResults(flags.json, [result], order());
  if (flags.write) writeResults(published, [result], order());
}
for (const { title, figures } of results) console.log(`\n${title}\n${textTable(figures)}`);
for (const { figures } of results) {
  for (const { subject, of, note } of figures) {
    if (note !== undefined) console.log(`\n${subject}, ${of}: ${note}`);
  }
}
const [first] = results;
if (first !== undefined) console.log(`\n${environmentInWords(first.environment)}`);
if (flags.write) writePage(docs, readResults(published));

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        write: { type: 'boolean', default: false },
        page: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}

async function runScenario({ name, title, about, needsPython, run }: Scenario): Promise<Result> {
  const environment = describeEnvironment();
  const startMs = performance.now();
  const elapsed = () => Math.round((performance.now() - startMs) / 1000);
  const progress = (line: string) => console.error(`${name} ${String(elapsed()).padStart(4)} s  ${line}`);
  const missing = needsPython ? missingPython() : undefined;
  if (missing !== undefined) progress(`not without ZEO's Python client: ${missing}`);
  const figures = missing === undefined ? await run({ quick: flags.quick, progress }) : [];
  progress('done');
  return {
    scenario: name,
    title,
    about,
    quick: flags.quick,
    environment,
    durationSeconds: elapsed(),
    figures,
  };
}

function order(): string[] {
  return scenarios.map(({ name }) => name);
}
