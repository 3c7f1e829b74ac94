import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** What hangs for this long hangs for ever. */
const patienceMs = 60_000;

export interface Ended {
  /** `null` when a signal ended it. */
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

  /** @param program what Node is told before the arguments */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    program: readonly string[] = [main],
  ) {
    this.#child = spawn(process.execPath, [...program, ...args], {
      // Where the package's own name leads to itself.
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

  /** Reads lines up to one that matches, and resolves to it. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`It ended without ${pattern}: ${JSON.stringify(await this.#ended)}`);
      if (pattern.test(value)) return value;
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Stops reading what it writes. */
  closeOutput(): void {
    this.#child.stdout.destroy();
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }
}

/** Runs it until it ends by itself. */
export function run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
  return new RunningCommand(args, env).ended();
}
