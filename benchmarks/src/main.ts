import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { preparePythons } from '../../dist/test/support/python/environments.js';
import { compare } from './compare/compare.js';
import { describeEnvironment, environmentInWords } from './environment.js';
import { missingPython } from './harness/servers.js';
import { writePage } from './report/page.js';
import { textTable } from './report/text-table.js';
import { type Result, readResults, writeResults } from './results.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios/all.js';

const comparable = scenarios.filter(({ compared }) => compared !== undefined);
const usage = `npm run bench -- [scenario…] [--quick] [--json FILE] [--write] [--page] [--compare COMMIT]

  scenario     one or more of: ${scenarios.map(({ name }) => name).join(', ')}; default: all
  --quick      small and short, to check that it works
  --json FILE  merges the results into FILE, which keeps those of other scenarios
  --write      merges the results into docs/performance.json and generates docs/performance.md and its plots from it
  --page       measures nothing; generates docs/performance.md and its plots from docs/performance.json, or from
               the FILE of --json
  --compare COMMIT
               builds that commit in a temporary folder, and measures it and the working tree in turn: their costs, and
               the ratio of each round; of ${comparable.map(({ name }) => name).join(', ')}`;

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const published = path.join(docs, 'performance.json');

const { values: flags, positionals: names } = readArguments();
if (flags.help) {
  console.log(usage);
  process.exit();
}
const known = flags.compare === undefined ? scenarios : comparable;
const unknown = names.filter((name) => !known.some((scenario) => scenario.name === name));
if (unknown.length > 0) refuse(`No such scenario: ${unknown.join(', ')}`);
if (flags.page) {
  writePage(docs, readResults(flags.json ?? published));
  process.exit();
}

const chosen = known.filter(({ name }) => names.length === 0 || names.includes(name));
if (flags.compare !== undefined) {
  if (flags.json !== undefined || flags.write) refuse('--compare writes no results');
  process.exit(await compareWith(flags.compare));
}
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
        compare: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(why: string): never {
  console.error(`${why}\n\n${usage}`);
  process.exit(2);
}

async function runScenario({ name, title, about, needsPython, run }: Scenario): Promise<Result> {
  const environment = await describeEnvironment();
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

/** @returns the exit code */
async function compareWith(commit: string): Promise<number> {
  // What it has made is removed at exit.
  process.once('SIGINT', () => process.exit(130));
  const environment = await describeEnvironment();
  const startMs = performance.now();
  const progress = (line: string) => {
    const seconds = Math.round((performance.now() - startMs) / 1000);
    console.error(`compare ${String(seconds).padStart(4)} s  ${line}`);
  };
  try {
    const table = await compare(commit, chosen, { quick: flags.quick, progress });
    console.log(`\n${table}\n\n${environmentInWords(environment)}`);
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

function order(): string[] {
  return scenarios.map(({ name }) => name);
}
