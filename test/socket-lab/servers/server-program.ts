import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A server that others wrote, as its Debian package installs it. */
export interface ServerProgram {
  /** The package that has it. */
  readonly debianPackage: string;
  /** Paths of the executable, the preferred one first; or names to look for in `PATH`. */
  executables(): readonly string[];
  /** The account that it runs as, which owns its folder: some refuse to run as root. */
  readonly account: string;
  /** Makes what it needs in its folder, which is empty. */
  prepare?(executable: string, folder: string): void;
  args(folder: string): readonly string[];
  env?(folder: string): Readonly<Record<string, string>>;
  /** What it writes when it accepts connections. */
  readonly readyLine: RegExp;
  /** Ends it at once, and lets it clean up after itself. */
  readonly endSignal: NodeJS.Signals;
}

/** How long a server may take to start on a busy machine. */
const patienceMs = 60_000;

/** `undefined` when it is not installed. */
export function executableOf(program: ServerProgram): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const candidates = program
    .executables()
    .flatMap((name) => (path.isAbsolute(name) ? [name] : folders.map((folder) => path.join(folder, name))));
  return candidates.find((candidate) => existsSync(candidate));
}

/** Runs a command as another account, and ends with this process. */
export function asAccount(account: string, endSignal: NodeJS.Signals = 'SIGKILL'): readonly string[] {
  const gid = execFileSync('id', ['-g', account], { encoding: 'utf8' }).trim();
  return ['setpriv', '--reuid', account, '--regid', gid, '--clear-groups', '--pdeathsig', endSignal.slice(3)];
}

/** A server that runs until it is disposed of, which also removes its folder. */
export interface RunningServer extends AsyncDisposable {
  signal(signal: NodeJS.Signals): void;
}

/**
 * Starts a server with a folder of its own, and resolves when it accepts connections.
 *
 * @param launcher the command that runs it where it belongs, before the program's own
 * @param more arguments after the program's own
 * @throws Error with the end of its output when it does not start
 */
export async function startServer(
  program: ServerProgram,
  launcher: readonly string[] = [],
  more: readonly string[] = [],
): Promise<RunningServer> {
  const executable = executableOf(program);
  if (executable === undefined) throw new Error(`Not installed: ${program.debianPackage}`);
  const folder = mkdtempSync(path.join(tmpdir(), `socket-lab-${program.debianPackage}-`));
  const uid = Number(execFileSync('id', ['-u', program.account], { encoding: 'utf8' }));
  chownSync(folder, uid, -1);
  program.prepare?.(executable, folder);
  const [command = '', ...args] = [...launcher, ...asAccount(program.account, program.endSignal), executable];
  const child = spawn(command, [...args, ...program.args(folder), ...more], {
    cwd: folder,
    env: { ...process.env, ...program.env?.(folder) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  const ready = new Promise<boolean>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-20_000);
        if (program.readyLine.test(output)) resolve(true);
      });
    }
    void exited.then(() => resolve(false));
    setTimeout(() => resolve(false), patienceMs).unref();
  });
  const end = async () => {
    child.kill(program.endSignal);
    await exited;
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  };
  if (await ready) return { signal: (signal) => void child.kill(signal), [Symbol.asyncDispose]: end };
  await end();
  throw new Error(`${program.debianPackage} did not start:\n${output.slice(-2000)}`);
}
