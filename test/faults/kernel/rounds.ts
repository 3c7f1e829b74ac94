import type { FaultOptions } from '../fault.js';

/** Runs a trial in rounds, one after the other, and returns what came of each. */
export async function inRounds<T>(
  { progress }: FaultOptions,
  rounds: number,
  what: string,
  trial: () => Promise<T>,
): Promise<T[]> {
  const outcomes: T[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`${what}: round ${round} of ${rounds}`);
    outcomes.push(await trial());
  }
  return outcomes;
}
