import { execFile, execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/**
 * Another commit, built in a temporary folder of its own, beside a copy of this tree's compiled benchmarks: so the same programs
 * measure both. Its dependencies are those of this tree.
 */
export class CommitBuild implements Disposable {
  /** Its abbreviated id. */
  readonly name: string;
  readonly #root: string;
  readonly #folder: string;
  /** Also if the process is ended before it is disposed of. */
  readonly #onExit = () => this[Symbol.dispose]();

  private constructor(name: string, root: string, folder: string) {
    this.name = name;
    this.#root = root;
    this.#folder = folder;
    process.once('exit', this.#onExit);
  }

  /**
   * @param root the checkout, which has been built with its benchmarks
   * @throws Error if there is no such commit, or it cannot be built
   */
  static async of(commit: string, root: string): Promise<CommitBuild> {
    const name = await abbreviated(commit, root);
    const folder = await mkdtemp(path.join(tmpdir(), 'zeo-keepalive-compare-'));
    const build = new CommitBuild(name, root, folder);
    try {
      await build.#make();
      return build;
    } catch (error) {
      build[Symbol.dispose]();
      throw error;
    }
  }

  /** The benchmark processes that use it, as a folder. */
  get processes(): URL {
    return pathToFileURL(`${path.join(this.#folder, 'benchmarks/dist/processes')}/`);
  }

  async #make(): Promise<void> {
    await execute('git', ['worktree', 'add', '--quiet', '--detach', this.#folder, this.name], {
      cwd: this.#root,
    });
    const within = (name: string) => [path.join(this.#root, name), path.join(this.#folder, name)] as const;
    await cp(...within('benchmarks/dist'), { recursive: true });
    for (const folder of ['node_modules', 'benchmarks/node_modules']) await symlink(...within(folder));
    const tsc = path.join(this.#root, 'node_modules/typescript/bin/tsc');
    await execute(process.execPath, [tsc, '--build'], { cwd: this.#folder }).catch(({ stdout }) => {
      throw new Error(`${this.name} cannot be built:\n${stdout}`);
    });
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#onExit);
    rmSync(this.#folder, { recursive: true, force: true });
    execFileSync('git', ['worktree', 'prune'], { cwd: this.#root });
  }
}

async function abbreviated(commit: string, root: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--short', `${commit}^{commit}`];
  try {
    return (await execute('git', args, { cwd: root })).stdout.trim();
  } catch {
    throw new Error(`Expected a commit to compare with, found ${commit}`);
  }
}
