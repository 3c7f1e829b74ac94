import { ProtocolError } from '../model/errors.js';

/** The stack of a pickle machine, with the marks at which variable-length containers start. */
export class PickleStack {
  readonly #values: unknown[] = [];
  /** The floor below each open mark, outermost first. */
  readonly #marks: number[] = [];
  /** The values below this index are below the innermost mark. */
  #floor = 0;

  push(value: unknown): void {
    this.#values.push(value);
  }

  mark(): void {
    this.#marks.push(this.#floor);
    this.#floor = this.#values.length;
  }

  /** @throws ProtocolError, as all methods that pop do, if there is nothing above the mark. */
  pop(): unknown {
    this.#require(1);
    return this.#values.pop();
  }

  popMany(count: number): unknown[] {
    this.#require(count);
    return this.#values.splice(-count);
  }

  /** Pops everything above the innermost mark, and the mark. */
  popToMark(): unknown[] {
    const outer = this.#marks.pop();
    if (outer === undefined) throw underflow();
    const items = this.#values.splice(this.#floor);
    this.#floor = outer;
    return items;
  }

  /** Drops the top value, or the mark if there is no value above it. */
  discard(): void {
    if (this.#values.length > this.#floor) this.#values.pop();
    else this.popToMark();
  }

  get top(): unknown {
    this.#require(1);
    return this.#values[this.#values.length - 1];
  }

  replaceTop(value: unknown): void {
    this.#require(1);
    this.#values[this.#values.length - 1] = value;
  }

  /** The one value that a finished pickle leaves. */
  get result(): unknown {
    if (this.#values.length !== 1 || this.#marks.length > 0)
      throw new ProtocolError('Pickle is not one value');
    return this.#values[0];
  }

  #require(count: number): void {
    if (this.#values.length - count < this.#floor) throw underflow();
  }
}

function underflow(): ProtocolError {
  return new ProtocolError('Pickle takes from an empty stack');
}
