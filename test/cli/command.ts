import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** A command that takes this long hangs. */
const patienceMs = 60_000;

export interface Ended {
  /** `null` if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command `zeo-keepalive`, or another program for Node, in a process of its own, without a terminal. */
export class RunningCommand {
  readonly #child;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<Ended>;

  /** @param program Node's own arguments, which come first */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    program: readonly string[] = [main],
  ) {
    this.#child = spawn(process.execPath, [...program, ...args], {
      // Here the package's name resolves to the package itself.
      cwd: root,
      env: { ...process.env, ...env },
      timeout: patienceMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#ended = once(this.#child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }));
  }

  /** Reads lines until one matches, and resolves to that one. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`It ended without ${pattern}: ${JSON.stringify(await this.#ended)}`);
      if (pattern.test(value)) return value;
    }
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes the reading end of its output. */
  closeOutput(): void {
    this.#child.stdout.destroy();
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }
}

/** Runs the command until it ends by itself. */
export function run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
  return new RunningCommand(args, env).ended();
}
