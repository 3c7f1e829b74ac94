import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Environment } from './environment.js';
import type { Figure } from './figure.js';

/** What one scenario came to, and on what it ran: a file may hold results of several runs. */
export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly about: string;
  readonly quick: boolean;
  readonly environment: Environment;
  readonly durationSeconds: number;
  readonly figures: readonly Figure[];
}

/** Puts the results into a file; those of other scenarios that are there already stay. */
export function writeResults(file: string, results: readonly Result[], order: readonly string[]): void {
  const measured = new Set(results.map(({ scenario }) => scenario));
  const kept = existsSync(file) ? readResults(file).filter(({ scenario }) => !measured.has(scenario)) : [];
  const all = [...kept, ...results].sort((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario));
  const replacer = (_: string, value: unknown) => {
    // JSON has no Infinity; and nobody reads a tenth digit, but everybody reads the diff.
    if (value === Infinity) return 'Infinity';
    return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
  };
  writeFileSync(file, `${JSON.stringify(all, replacer, 1)}\n`);
}

export function readResults(file: string): Result[] {
  const reviver = (_: string, value: unknown) => (value === 'Infinity' ? Infinity : value);
  return JSON.parse(readFileSync(file, 'utf8'), reviver);
}
