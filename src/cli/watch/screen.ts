/*
 * Draws on the terminal's alternate screen, so that its previous contents come back afterwards. However the program ends, the
 * cursor is shown again.
 */
import type { Output } from '../io/output.js';
import type { Paint } from '../io/paint.js';
import { render } from './render.js';
import type { Snapshot } from './snapshot.js';
import type { Entry, View } from './view.js';

/** Alternate screen, no cursor, no wrapping of long lines. */
const enter = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const leave = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const home = '\x1b[H';
const clearLine = '\x1b[K';
const clearBelow = '\x1b[J';
/** Everything between them appears at once (synchronized output); terminals without support ignore them. */
const beginFrame = '\x1b[?2026h';
const endFrame = '\x1b[?2026l';

/** Redrawn after an event, but with no less than `shortestMs` and no more than `longestMs` between two frames. */
const shortestMs = 100;
const longestMs = 1000;

export class Screen implements View {
  readonly #output: Output;
  readonly #paint: Paint;
  readonly #snapshot: () => Snapshot;
  readonly #offResize: () => void;
  readonly #clock: NodeJS.Timeout;
  #pending: NodeJS.Timeout | undefined;
  #isSuspended = false;

  constructor(output: Output, paint: Paint, snapshot: () => Snapshot) {
    this.#output = output;
    this.#paint = paint;
    this.#snapshot = snapshot;
    this.#offResize = output.onResize(() => this.#draw());
    this.#clock = setInterval(() => this.#draw(), longestMs);
    process.on('exit', this.#restore);
    process.on('SIGTSTP', this.#suspend);
    process.on('SIGCONT', this.#resume);
    output.write(enter);
    this.#draw();
  }

  show(): void {
    this.#pending ??= setTimeout(() => this.#draw(), shortestMs);
  }

  end(summary: Entry): void {
    this.#offResize();
    clearInterval(this.#clock);
    clearTimeout(this.#pending);
    process.off('exit', this.#restore);
    process.off('SIGTSTP', this.#suspend);
    process.off('SIGCONT', this.#resume);
    this.#restore();
    this.#output.write(`${summary.text}\n`);
  }

  #draw(): void {
    clearTimeout(this.#pending);
    this.#pending = undefined;
    if (this.#isSuspended || this.#output.isFull) return;
    const { columns, rows } = this.#output;
    const lines = render(this.#snapshot(), { columns, rows, paint: this.#paint });
    // Lines are cleared before they are written: afterwards that would erase the last character of a full line.
    const frame = lines.map((line) => clearLine + line).join('\r\n');
    const below = lines.length < rows ? `\r\n${clearBelow}` : '';
    this.#output.write(`${beginFrame}${home}${frame}${below}${endFrame}`);
  }

  readonly #restore = (): void => this.#output.write(leave);

  /** Ctrl-Z: gives the shell its screen. On resuming, overdue timers run before `SIGCONT` is emitted. */
  readonly #suspend = (): void => {
    this.#isSuspended = true;
    this.#restore();
    process.kill(process.pid, 'SIGSTOP');
  };

  readonly #resume = (): void => {
    this.#isSuspended = false;
    this.#output.write(enter);
    this.#draw();
  };
}
