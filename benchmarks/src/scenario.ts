import type { Figure } from './figure.js';

export interface ScenarioOptions {
  /** Only checks that it works, with few repetitions. */
  readonly quick: boolean;
  /** Reports progress. */
  readonly progress: (line: string) => void;
}

/** A cost that is compared with another commit's by `--compare`. */
export interface ComparedCase {
  /** As a figure's. */
  readonly of: string;
  readonly unit: string;
  /** @param processes the folder of the compiled processes, which measure the build beside them */
  measure(processes: URL): Promise<number>;
}

/** Measures something together with its baseline, in one run. */
export interface Scenario {
  readonly name: string;
  /** A heading. */
  readonly title: string;
  /** What is measured, and how: a paragraph of the page. */
  readonly about: string;
  /** Whether ZEO's own Python client or server is measured too, if there is one. */
  readonly usesPython?: boolean;
  /** Whether it is nothing without that. */
  readonly needsPython?: boolean;
  run(options: ScenarioOptions): Promise<readonly Figure[]>;
  compared?(quick: boolean): readonly ComparedCase[];
}
