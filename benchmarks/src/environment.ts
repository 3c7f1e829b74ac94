import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

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
}

export function describeEnvironment(): Environment {
  return {
    date: `${new Date().toISOString().slice(0, 19)}Z`,
    commit: commitOf(import.meta.dirname),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  };
}

export function environmentInWords(environment: Environment): string {
  const { cores, cpu, memoryGib, system, node, commit, date, load } = environment;
  return `${cores} × ${cpu}, ${memoryGib} GiB, ${system}, Node ${node}, commit ${commit}, ${date}, load ${load} before`;
}

/** The commit of the working tree that has this folder, with a `+` if there are uncommitted changes. */
export function commitOf(folder: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
  } catch {
    // Not a repository, for example an archive.
    return 'unknown';
  }
}
