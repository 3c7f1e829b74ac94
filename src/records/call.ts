import type { Budget } from './budget.js';
import type { Python2Strings } from './python2-strings.js';

/** What the value of a call may need to be made. */
export interface CallContext {
  readonly budget: Budget;
  readonly strings: Python2Strings;
}

/** The value that a call would have returned, or `undefined` for arguments that Python does not write there. */
export type Call = (args: readonly unknown[], context: CallContext) => unknown;
