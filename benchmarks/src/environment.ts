import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './harness/repetitions.js';

/** The machine and the commit that figures were measured on. */
export interface Environment {
  readonly date: string;
  /** {@link commitOf} the working tree. */
  readonly commit: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  /** Load average of the last minute before the run: how busy the machine was with other things. */
  readonly load: number;
  /**
   * How many nanoseconds longer it takes to read from a page of memory that was left alone for a second than from one that was just
   * read. It is what a program finds that is idle most of the time: by then, the caches are full of what others on the machine use.
   * Older results do not have it.
   */
  readonly coldPageNs?: number;
}

export async function describeEnvironment(): Promise<Environment> {
  return {
    date: `${new Date().toISOString().slice(0, 19)}Z`,
    commit: commitOf(import.meta.dirname),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
    coldPageNs: await measureColdPage(),
  };
}

const pageBytes = 4096;
const pages = 2000;

/** The median of three: it differs from one second to the next. */
async function measureColdPage(): Promise<number> {
  const memory = Buffer.alloc(pages * pageBytes, 1);
  // So that the code has run before: V8 compiles it at its first call.
  readEachPage(memory);
  const tookMs: number[] = [];
  for (let round = 0; round < 3; round++) {
    await sleep(1000);
    const coldMs = readEachPage(memory);
    const warmMs = readEachPage(memory);
    tookMs.push(Math.max(0, coldMs - warmMs));
  }
  return Math.round((median(tookMs) * 1e6) / pages);
}

/** Not in the order of their addresses, which the processor would foresee. Returns milliseconds. */
function readEachPage(memory: Buffer): number {
  // Has no factor in common with the number of pages, so that each one is read.
  const stride = 1237;
  const startMs = performance.now();
  let sum = 0;
  for (let i = 0; i < pages; i++) sum += memory.readUInt8(((i * stride) % pages) * pageBytes);
  const tookMs = performance.now() - startMs;
  // V8 would leave out reads whose result nobody uses.
  if (sum !== pages) throw new Error(`Expected a 1 in each of ${pages} pages, found a sum of ${sum}`);
  return tookMs;
}

export function environmentInWords(environment: Environment): string {
  const { cores, cpu, memoryGib, system, node, commit, date, load, coldPageNs } = environment;
  const machine = `${cores} × ${cpu}, ${memoryGib} GiB, ${system}, Node ${node}`;
  const idle = coldPageNs === undefined ? '' : `, ${coldPageNs.toLocaleString('en-US')} ns for an idle page`;
  return `${machine}, commit ${commit}, ${date}, load ${load} before${idle}`;
}

/** The commit of the working tree that has this folder, with a `+` if there are uncommitted changes but to the docs. */
export function commitOf(folder: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    // What earlier runs have published does not count.
    const changes = git('status', '--porcelain', '--', ':/', ':(top,exclude)docs');
    return `${git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : '+'}`;
  } catch {
    // Not a repository, for example an archive.
    return 'unknown';
  }
}
