import type { Figure } from './figure.js';

export interface ScenarioOptions {
  /** To prove that it works rather than to measure. */
  readonly quick: boolean;
  /** Tells who waits how far it is. */
  readonly progress: (line: string) => void;
}

/** Measures something and what it is compared to, in one run. */
export interface Scenario {
  readonly name: string;
  /** A heading. */
  readonly title: string;
  /** What is measured, and how: a paragraph of the page. */
  readonly about: string;
  /** Whether ZEO's own Python is measured too, where it is to be had. */
  readonly usesPython?: boolean;
  run(options: ScenarioOptions): Promise<readonly Figure[]>;
}
