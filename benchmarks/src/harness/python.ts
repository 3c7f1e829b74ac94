import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findZeo } from '../../../dist/test/support/python/environments.js';
import { zeoVersion } from './servers.js';

/** The scripts are not compiled: they stay in the source tree. */
const scripts = new URL('../../python/', import.meta.url);

/** A Python script of the benchmarks, which replies to a line of JSON with a line of JSON. */
export class PythonScript implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** @throws Error if there is no Python with ZEO */
  constructor(script: string, args: readonly string[]) {
    const { executable, missing } = findZeo(zeoVersion);
    if (executable === undefined) throw new Error(missing);
    const file = fileURLToPath(new URL(script, scripts));
    this.#process = spawn(executable, ['-B', '-W', 'ignore', file, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const output = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream });
    this.#lines = output[Symbol.asyncIterator]();
  }

  async nextLine<Line>(): Promise<Line> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('The Python process ended');
    return JSON.parse(value);
  }

  write(line: unknown): void {
    this.#process.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}
