import type { Fact } from './fact.js';

/** What shows what happens. */
export interface View {
  tell(fact: Fact): void;
  /** The last thing that is told; the output is left as it was found. */
  end(summary: Fact): void;
}
