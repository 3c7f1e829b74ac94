import { execFile, execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Root of the checkout. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A command that takes this long hangs. */
const patienceMs = 120_000;

/**
 * The Node binaries that the package is tested with: those named by `PACKAGE_TEST_NODES`, separated by colons, or else the
 * one that runs this.
 */
export const nodes = (process.env.PACKAGE_TEST_NODES?.split(':') ?? [process.execPath]).map((executable) => ({
  executable,
  version: execFileSync(executable, ['--version'], { encoding: 'utf8' }).trim(),
}));

/** The package that `npm run test:package` has packed. */
export function tarball(): string {
  const folder = path.join(root, 'dist');
  const [name, ...others] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  if (name === undefined || others.length > 0) {
    throw new Error(
      `Expected one packed package in dist, found ${name === undefined ? 0 : others.length + 1}: npm run test:package makes it`,
    );
  }
  return path.join(folder, name);
}

/** A folder outside the checkout in which npm has installed the package as it would for any user. */
export class CleanProject {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** @param others packages that the user has installed as well */
  static async create(...others: readonly string[]): Promise<CleanProject> {
    const project = new CleanProject(await mkdtemp(path.join(tmpdir(), 'zeo-keepalive-user-')));
    await writeFile(path.join(project.directory, 'package.json'), '{ "private": true }');
    const flags = ['--no-audit', '--no-fund', '--prefer-offline'];
    await execute('npm', ['install', ...flags, tarball(), ...others], { cwd: project.directory });
    return project;
  }

  path(...names: readonly string[]): string {
    return path.join(this.directory, ...names);
  }

  /** Runs a command in the project, with `node` as the binary that it and its children find. */
  options(node: string, env: Readonly<Record<string, string>> = {}) {
    const PATH = [path.dirname(node), process.env.PATH].join(path.delimiter);
    return { cwd: this.directory, env: { ...process.env, PATH, ...env }, timeout: patienceMs };
  }

  /** Runs it until it ends. Rejects with its output if the exit code is not 0. */
  run(node: string, args: readonly string[], env?: Readonly<Record<string, string>>) {
    return execute(node, args, this.options(node, env));
  }

  /** Like {@link run}, for the command of the package. */
  command(node: string, ...args: readonly string[]) {
    return execute(this.path('node_modules/.bin/zeo-keepalive'), args, this.options(node));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
