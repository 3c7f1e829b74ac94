import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Row, Run, Topic } from './row.js';
import { markdownTable, overviewTable, sumsInWords } from './table.js';

const layers: Readonly<Record<Topic['layer'], string>> = {
  relay: 'A relay between client and server',
  process: 'Processes that are stopped, killed or blocked',
  kernel: 'The kernel drops packets',
  sockets: 'Watched sockets of real clients',
  adapters: 'Clients with an adapter',
  guard: 'Clients behind guard',
};

/** Combines the rows of earlier runs with new ones, which replace those of the same fault and server. */
export function merge(
  earlier: readonly Row[],
  now: readonly Row[],
  order: readonly string[],
): readonly Row[] {
  const again = new Set(now.map(({ fault, server }) => `${fault} ${server}`));
  const kept = earlier.filter(({ fault, server }) => !again.has(`${fault} ${server}`));
  const rank = ({ fault }: Row) => order.indexOf(fault);
  // Faults that no longer exist leave the table, too.
  return [...kept, ...now].filter((row) => rank(row) >= 0).sort((a, b) => rank(a) - rank(b));
}

export function readRows(file: string): readonly Row[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function writeRows(file: string, rows: readonly Row[]): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(rows, undefined, 1)}\n`);
}

/** The text of docs/reliability.md. */
export function reliabilityPage(rows: readonly Row[]): string {
  const sections = Object.entries(layers).flatMap(([layer, title]) => {
    const own = rows.filter((row) => row.layer === layer);
    const names = [...new Set(own.map(({ fault }) => fault))];
    return names.length === 0 ? [] : [`## ${title}`, ...names.map((name) => faultSection(own, name))];
  });
  const parts = [title, sumsInWords(rows), introduction, overviewTable(rows), ...sections];
  return `${[...parts, '## The runs', repetition, runsTable(rows)].join('\n\n')}\n`;
}

const title = '# Reliability: what was done to connections, and the results';

const introduction = `P is the period, T the timeout; the *host* is the process with the agent, the *embedded* server the one of this package. *Promised*
is P + T + 1 s, less where nothing delays a ping, and more where a hang timeout is set. It and *found after* count from the fault, in
time in which the host's main loop ran. A *false death* is the loss of a connection whose peer was healthy, out of a number of chances
(connections, or connections times stalls). A *lost call* is one that neither succeeded nor failed.

Of each fault, the first table has the promise that came closest to being missed. *Best without the agent* is how late the quickest
of the same clients noticed it, with the shortest deadlines that they have, or the clients behind HAProxy with the best settings that
were tried; empty where no other was tried.`;

const repetition = `Written by the fault lab, the socket lab, the adapter lab and the guard lab from their own runs; do not edit. To repeat all of it:
\`npm run test:faults -- --full --write\`, \`npm run test:sockets -- drop false-drops loss --write\`,
\`npm run test:adapters -- drop stopped stalls busy load --full --write\` and
\`npm run test:guard -- detection stalls loss slow-path herd --full --write\`; to repeat one fault, which replaces only its rows: \`npm run test:faults -- silent-drop --full --write\`.`;

function faultSection(rows: readonly Row[], name: string): string {
  const own = rows.filter(({ fault }) => fault === name);
  return `### ${own[0]?.about} (\`${name}\`)\n\n${markdownTable(own)}`;
}

function runsTable(rows: readonly Row[]): string {
  const byRun = new Map<string, Set<string>>();
  for (const { fault, run } of rows) {
    const key = runLine(run);
    byRun.set(key, (byRun.get(key) ?? new Set()).add(fault));
  }
  return [
    '| size | date | commit | Node | machine | faults |',
    '| --- | --- | --- | --- | --- | --- |',
    ...[...byRun].map(([line, faults]) => `| ${line} | ${[...faults].join(', ')} |`),
  ].join('\n');
}

const runLine = ({ size, date, commit, node, machine }: Run) =>
  [size, date, commit, node, machine].join(' | ');
