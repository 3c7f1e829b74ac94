import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Environment } from './environment.js';
import type { Figure } from './figure.js';

/** The result of one scenario and its environment: a file may hold results of several runs. */
export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly about: string;
  readonly quick: boolean;
  readonly environment: Environment;
  readonly durationSeconds: number;
  readonly figures: readonly Figure[];
}

/** Merges the results into a file, in which those of other scenarios remain. */
export function writeResults(file: string, results: readonly Result[], order: readonly string[]): void {
  const measured = new Set(results.map(({ scenario }) => scenario));
  const kept = existsSync(file) ? readResults(file).filter(({ scenario }) => !measured.has(scenario)) : [];
  const all = [...kept, ...results].sort((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario));
  const replacer = (_: string, value: unknown) => {
    // JSON has no Infinity; and needless digits would make noise in the diff.
    if (value === Infinity) return 'Infinity';
    return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
  };
  writeFileSync(file, `${JSON.stringify(all, replacer, 1)}\n`);
}

export function readResults(file: string): Result[] {
  const reviver = (_: string, value: unknown) => (value === 'Infinity' ? Infinity : value);
  return JSON.parse(readFileSync(file, 'utf8'), reviver);
}
