import { ProtocolError } from '../model/errors.js';
import { freeRepetition, maxRepetition } from '../pickle/limits.js';
import type { Python2Strings } from './python2-strings.js';

/** What is left for one record: of values to create, and of bytes to copy from memo entries. */
export class Budget {
  #values: number;
  #copied: number;

  constructor(maxValues: number, recordBytes: number) {
    this.#values = maxValues;
    this.#copied = maxRepetition * recordBytes + freeRepetition;
  }

  spend(values: number): void {
    this.#values -= values;
    if (this.#values < 0) throw new ProtocolError('Record holds too many values');
  }

  /** For copies of text or bytes: two bytes of a pickle can fetch a text of any length from the memo. */
  copy(length: number): void {
    this.#copied -= length;
    if (this.#copied < 0) throw new ProtocolError('Record repeats too much by reference');
  }
}

/** What a {@link Call} may use. */
export interface CallContext {
  readonly budget: Budget;
  readonly strings: Python2Strings;
}

/** The value that a call would have returned, or `undefined` for arguments that Python does not write. */
export type Call = (args: readonly unknown[], context: CallContext) => unknown;
