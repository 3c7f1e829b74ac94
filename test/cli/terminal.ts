import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { PythonProcess } from '../support/python/python-process.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface TerminalOptions {
  /** An interpreter with the module `pty`. */
  readonly python: string;
  readonly args: readonly string[];
  readonly columns: number;
  readonly rows?: number;
  /** Variables to set, or to unset if `undefined`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The command on a real pseudo-terminal, and an emulator that shows what a person would see. */
export class CommandOnTerminal {
  readonly #process: PythonProcess;
  readonly #emulator: xterm.Terminal;
  #raw = '';

  constructor({ python, args, columns, rows = 24, env = {} }: TerminalOptions) {
    const variables = Object.entries({
      TERM: 'xterm-256color',
      NO_COLOR: undefined,
      FORCE_COLOR: undefined,
      ...env,
    });
    const settings = variables.flatMap(([name, value]) => (value === undefined ? ['-u', name] : []));
    settings.push(...variables.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])));
    const command = ['env', ...settings, process.execPath, main, ...args];
    this.#process = new PythonProcess(python, '../../cli/terminal.py', [`${rows}`, `${columns}`, ...command]);
    this.#emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  }

  /** Everything it has written, as text. */
  get raw(): string {
    return this.#raw;
  }

  /** The lines on the screen. */
  get screen(): readonly string[] {
    const { active } = this.#emulator.buffer;
    const lines = Array.from({ length: this.#emulator.rows }, (_, row) =>
      active.getLine(active.baseY + row)?.translateToString(true),
    );
    return lines.map((line = '') => line.trimEnd());
  }

  get text(): string {
    return this.screen.join('\n');
  }

  get onAlternateScreen(): boolean {
    return this.#emulator.buffer.active.type === 'alternate';
  }

  /** Waits until a whole frame of the screen shows it. */
  async shows(pattern: RegExp, seconds = 30): Promise<void> {
    const until = performance.now() + seconds * 1000;
    // The terminal hands over a frame in pieces: what is below the pattern may still be that of the frame before.
    while (this.#isInFrame || !pattern.test(this.text)) {
      if (performance.now() > until) throw new Error(`The screen never showed ${pattern}:\n${this.text}`);
      const exit = await this.#read();
      if (exit !== undefined)
        throw new Error(`It ended with ${exit} and did not show ${pattern}:\n${this.text}`);
    }
  }

  resize(columns: number, rows: number): void {
    this.#emulator.resize(columns, rows);
    this.#process.write({ resize: [rows, columns] });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.write({ signal });
  }

  type(text: string): void {
    this.#process.write({ type: text });
  }

  /** The terminal goes away, as when its window is closed. */
  hangUp(): void {
    this.#process.write({ hangUp: true });
  }

  /** Waits until it has ended, and resolves to its exit code. */
  async ended(): Promise<number> {
    for (;;) {
      const exit = await this.#read();
      if (exit !== undefined) return exit;
    }
  }

  /** Takes it away if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#emulator.dispose();
    await this.#process.finish();
  }

  get #isInFrame(): boolean {
    return this.#raw.lastIndexOf('\x1b[?2026h') > this.#raw.lastIndexOf('\x1b[?2026l');
  }

  /** The next output, which is then on the screen; or the exit code. */
  async #read(): Promise<number | undefined> {
    const { output, exit } = (await this.#process.nextLine()) as { output?: string; exit?: number };
    if (output === undefined) return exit;
    const bytes = Buffer.from(output, 'base64');
    this.#raw += bytes.toString('latin1');
    await new Promise<void>((resolve) => this.#emulator.write(bytes, resolve));
    return undefined;
  }
}
