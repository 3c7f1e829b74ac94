import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The scripts are not compiled: they are run from the source tree. */
const scripts = new URL('../../../../test/support/python/', import.meta.url);
/** How long to wait for a process to exit, or to print an expected line, before the test fails. */
const patienceMs = 20_000;

const alive = new Set<ChildProcess>();
// The scripts end with their parent anyway; on an orderly exit this ends them at once.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** One of the Python scripts of this directory as a child process that speaks lines of JSON on stdout. */
export class PythonProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  /** @param launcher a command that becomes Python, with Python's own command as its arguments */
  constructor(
    executable: string,
    script: string,
    args: readonly string[] = [],
    launcher: readonly string[] = [],
  ) {
    const file = fileURLToPath(new URL(script, scripts));
    // Without -B a test run would leave __pycache__ in the source tree.
    const [command = '', ...rest] = [...launcher, executable, '-B', '-W', 'ignore', file, ...args];
    this.#child = spawn(command, rest, { stdio: 'pipe' });
    alive.add(this.#child);
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', () => {
        alive.delete(this.#child);
        resolve();
      });
      // It was not even started.
      this.#child.once('error', (error) => {
        alive.delete(this.#child);
        this.#stderr += String(error);
        resolve();
      });
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // If a signal ends it, a command may stay unread.
    this.#child.stdin?.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Everything written to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The next line of stdout, parsed. */
  async nextLine(): Promise<unknown> {
    const { value, done } = await this.#patiently(this.#lines.next(), 'say something');
    if (done === true) {
      await this.#exited;
      throw new Error(`The Python process ended:\n${this.#stderr.slice(-4000)}`);
    }
    return JSON.parse(value);
  }

  write(line: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  async waitForStderr(pattern: RegExp): Promise<void> {
    const found = new Promise<void>((resolve) => {
      const look = () => {
        if (!pattern.test(this.#stderr)) return;
        this.#child.stderr?.off('data', look);
        resolve();
      };
      this.#child.stderr?.on('data', look);
      look();
    });
    await this.#patiently(found, `log ${pattern}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes stdin, after which a script that reads commands exits by itself. */
  async finish(): Promise<void> {
    this.#child.stdin?.end();
    await this.#patiently(this.#exited, 'end');
  }

  /** Kills it, even if it is stopped, and waits until it has exited. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child.kill('SIGCONT');
    this.#child.kill(signal);
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#exited;
    clearTimeout(insist);
  }

  async #patiently<T>(promise: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = () => new Error(`The Python process did not ${what}:\n${this.#stderr.slice(-4000)}`);
      timer = setTimeout(() => reject(message()), patienceMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
