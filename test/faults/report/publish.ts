import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { adapterTopics } from '../../adapter-lab/rows.js';
import { guardTopics } from '../../guard-lab/rows.js';
import { socketTopics } from '../../socket-lab/rows.js';
import { allFaults } from '../all.js';
import { merge, readRows, reliabilityPage, writeRows } from './reliability.js';
import type { Row, Run } from './row.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const rowsFile = path.join(root, 'docs/reliability.json');
const pageFile = path.join(root, 'docs/reliability.md');

/** In the order of the page. */
const topics = [
  ...allFaults,
  ...Object.values(socketTopics),
  ...Object.values(adapterTopics),
  ...Object.values(guardTopics),
].map(({ name }) => name);

/** Merges rows into docs/reliability.json, and writes docs/reliability.md from it. */
export function publish(rows: readonly Row[]): void {
  const all = merge(readRows(rowsFile), rows, topics);
  writeRows(rowsFile, all);
  writeFileSync(pageFile, reliabilityPage(all));
}

/** A run that begins now. */
export function currentRun(size: Run['size']): Run {
  return {
    size,
    date: `${new Date().toISOString().slice(0, 19)}Z`,
    commit: commit(),
    node: process.version,
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${process.platform}`,
  };
}

/** With a `+` if the working tree has uncommitted changes but to the docs. */
function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    // What earlier runs have published does not count.
    const changes = git('status', '--porcelain', '--', ':/', ':(top,exclude)docs');
    return `${git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
