import type { Figure, Target } from '../figure.js';
import { median, summary } from './repetitions.js';

/** What is measured of two subjects, of whom one has an agent. */
export interface Compared {
  readonly of: string;
  readonly unit: string;
  readonly target?: Target | undefined;
}

/** The names of the subjects without an agent and with it. */
export type Subjects = readonly [without: string, withAgent: string];

export function compare(
  [without, withAgent]: Subjects,
  { of, unit, target }: Compared,
  before: readonly number[],
  after: readonly number[],
): [Figure, Figure] {
  const first = { subject: without, of, ...summary(before), unit };
  const baseline = { subject: without, value: first.value };
  return [first, { subject: withAgent, of, ...summary(after), unit, baseline, ...(target && { target }) }];
}

/**
 * The same for measurements in pairs, one right after the other: by the median of what each pair differs by, which other load
 * on the machine affects less than the medians of each side.
 */
export function comparePairs(
  subjects: Subjects,
  compared: Compared & { readonly target: Target },
  before: readonly number[],
  after: readonly number[],
): Figure[] {
  const [first, second] = compare(subjects, compared, before, after);
  const pairs = before.map((one, pair) => [one, after[pair] as number] as const);
  const value =
    compared.target.on === 'ratio'
      ? first.value * median(pairs.map(([one, other]) => other / one))
      : first.value + median(pairs.map(([one, other]) => other - one));
  return [first, { ...second, value }];
}

/** Slices of each of the two in turn, ABBA: neither is always the first. */
export async function inPairs<Result>(
  { slices, warmUps }: { readonly slices: number; readonly warmUps: number },
  without: () => Promise<Result>,
  withAgent: () => Promise<Result>,
): Promise<{ readonly before: readonly Result[]; readonly after: readonly Result[] }> {
  const before: Result[] = [];
  const after: Result[] = [];
  for (let slice = -warmUps; slice < slices; slice++) {
    const isBaselineFirst = slice % 2 === 0;
    const first = await (isBaselineFirst ? without() : withAgent());
    const second = await (isBaselineFirst ? withAgent() : without());
    if (slice < 0) continue;
    before.push(isBaselineFirst ? first : second);
    after.push(isBaselineFirst ? second : first);
  }
  return { before, after };
}
