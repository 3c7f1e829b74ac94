import { ProtocolError } from '../model/errors.js';
import { freeRepetition, maxRepetition } from '../pickle/limits.js';
import type { Python2Strings } from './python2-strings.js';

/** What one record may still take, in values made and in bytes copied from what the memo refers to. */
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

  /** For what is made anew out of text or bytes: two bytes of a pickle fetch a text of any length for it. */
  copy(length: number): void {
    this.#copied -= length;
    if (this.#copied < 0) throw new ProtocolError('Record repeats too much by reference');
  }
}

/** What the value of a call may need to be made. */
export interface CallContext {
  readonly budget: Budget;
  readonly strings: Python2Strings;
}

/** The value that a call would have returned, or `undefined` for arguments that Python does not write there. */
export type Call = (args: readonly unknown[], context: CallContext) => unknown;
