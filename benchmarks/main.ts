/** `npm run bench -- [scenario…] [--json FILE] [--quick]` */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Figure, ratioOf, type Scenario, table } from './figure.js';
import { ping } from './ping.js';
import { rpc } from './rpc.js';

const scenarios: readonly Scenario[] = [rpc, ping];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(
    `No such scenario: ${unknown.join(', ')}; there are ${scenarios.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const results: { scenario: string; figures: readonly Figure[] }[] = [];
for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  console.error(`${scenario.about} …`);
  const figures = await scenario.run({ quick: values.quick });
  console.log(`\n${scenario.about}\n${table(figures)}\n`);
  results.push({ scenario: scenario.name, figures });
}

const environment = {
  commit: git('rev-parse', 'HEAD') ?? 'unknown',
  changed: git('status', '--porcelain') !== '',
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
};
console.log(
  `Node ${environment.node}, ${environment.cores} x ${environment.cpu}, commit ${environment.commit.slice(0, 9)}`,
);
if (values.json !== undefined) {
  const withRatios = results.map(({ scenario, figures }) => ({
    scenario,
    figures: figures.map((figure) => ({ ...figure, ratio: ratioOf(figure) })),
  }));
  writeFileSync(values.json, `${JSON.stringify({ environment, results: withRatios }, null, 2)}\n`);
}

function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // Run from a package without its repository.
    return undefined;
  }
}
