import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface HostRun {
  /** `null` when it was killed for not ending by itself. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HostOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** The folder that the host is in; by default this one. */
  readonly folder?: URL;
  /** Called with each line that the host writes, to standard output or to standard error. */
  readonly onLine?: (line: string) => void;
}

/** Longer than any of these hosts needs, on a machine that is busy; a host that is still there then hangs. */
const patienceMs = 30_000;

/** Runs one of the hosts in a process of its own, until it ends by itself. */
export async function runHost(name: string, options: HostOptions = {}): Promise<HostRun> {
  const { args = [], env = {}, nodeOptions = [], folder = import.meta.url, onLine } = options;
  const script = fileURLToPath(new URL(`./${name}.js`, folder));
  const child = spawn(process.execPath, [...nodeOptions, script, ...args], {
    // Where the package's own name leads to itself.
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
