import type { Output } from '../io/output.js';
import type { Entry, View } from './view.js';

/** Leaves out what is told while nobody reads, and says how much that was. */
export class UnhurriedView implements View {
  readonly #view: View;
  readonly #output: Output;
  #leftOut = 0;

  constructor(view: View, output: Output) {
    this.#view = view;
    this.#output = output;
  }

  tell(entry: Entry): void {
    if (this.#output.isFull) {
      this.#leftOut += 1;
      return;
    }
    this.#tellOfGap();
    this.#view.tell(entry);
  }

  end(summary: Entry): void {
    this.#tellOfGap();
    this.#view.end(summary);
  }

  #tellOfGap(): void {
    const count = this.#leftOut;
    if (count === 0) return;
    this.#leftOut = 0;
    const text = `${count} left out here, as nobody read them`;
    this.#view.tell({
      ...{ time: new Date(), event: 'leftOut', name: undefined, kind: 'note' },
      ...{ text, fields: { count } },
    });
  }
}
