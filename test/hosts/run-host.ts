import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface HostRun {
  /** `null` if it was killed because it did not exit by itself. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HostOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** The folder of the host; by default this one. */
  readonly folder?: URL;
  /** How many files it may have open; by default as many as this process. Not on Windows. */
  readonly maxOpenFiles?: number;
  /** Called with each line that the host writes to standard output or standard error. */
  readonly onLine?: (line: string) => void;
}

/** More than any of these hosts needs, even on a busy machine: a host that runs longer hangs. */
const patienceMs = 30_000;

/** Runs one of the hosts in a process of its own, until it exits by itself. */
export async function runHost(name: string, options: HostOptions = {}): Promise<HostRun> {
  const { args = [], env = {}, nodeOptions = [], folder = import.meta.url, maxOpenFiles, onLine } = options;
  const script = fileURLToPath(new URL(`./${name}.js`, folder));
  const command = [process.execPath, ...nodeOptions, script, ...args];
  const limited = ['sh', '-c', `ulimit -n ${maxOpenFiles} && exec "$0" "$@"`, ...command];
  const [program = '', ...programArgs] = maxOpenFiles === undefined ? command : limited;
  const child = spawn(program, programArgs, {
    // Where the package can import itself by name.
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: { ...process.env, ...env },
    timeout: patienceMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  if (onLine !== undefined) {
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', onLine);
  }
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}
