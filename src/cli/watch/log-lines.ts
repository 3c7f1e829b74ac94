import { formatDateTime } from '../explain.js';
import type { Output } from '../output.js';
import type { Paint } from '../paint.js';
import { padEnd } from '../terminal-text.js';
import type { Fact } from './fact.js';
import type { View } from './view.js';

/** One line a fact: time, storage, what happened. For files, pipes and journals. */
export class LogLines implements View {
  readonly #output: Output;
  readonly #paint: Paint;
  readonly #nameWidth: number;

  constructor(output: Output, paint: Paint, nameWidth: number) {
    this.#output = output;
    this.#paint = paint;
    this.#nameWidth = nameWidth;
  }

  tell({ time, name, text, kind }: Fact): void {
    if (kind === 'detail') return;
    const line = `${formatDateTime(time)}  ${padEnd(name ?? '-', this.#nameWidth)}  ${text}`;
    this.#output.write(`${kind === 'bad' || kind === 'good' ? this.#paint(kind, line) : line}\n`);
  }

  end(summary: Fact): void {
    this.#output.write(`${summary.text}\n`);
  }
}
