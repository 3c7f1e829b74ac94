import type { Output } from '../io/output.js';
import type { Entry, View } from './view.js';

/** Leaves out entries while the reader is behind, and then shows how many there were. */
export class UnhurriedView implements View {
  readonly #view: View;
  readonly #output: Output;
  #leftOut = 0;

  constructor(view: View, output: Output) {
    this.#view = view;
    this.#output = output;
  }

  show(entry: Entry): void {
    if (this.#output.isFull) {
      this.#leftOut += 1;
      return;
    }
    this.#showGap();
    this.#view.show(entry);
  }

  /** Shows the last entry where there is no summary, also if the reader is behind. */
  showLast(entry: Entry): void {
    this.#showGap();
    this.#view.show(entry);
  }

  end(summary: Entry): void {
    this.#showGap();
    this.#view.end(summary);
  }

  #showGap(): void {
    const count = this.#leftOut;
    if (count === 0) return;
    this.#leftOut = 0;
    const text = `${count} ${count === 1 ? 'entry' : 'entries'} left out here: the reader was too slow`;
    this.#view.show({
      ...{ time: new Date(), event: 'leftOut', name: undefined, kind: 'note' },
      ...{ text, fields: { count } },
    });
  }
}
