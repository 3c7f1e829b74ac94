import { formatValue } from '../figure.js';
import { median, summary } from '../harness/repetitions.js';
import { alignedTable } from '../report/text-table.js';

/** Costs that were measured in turn, a pair in each round. */
export interface Paired {
  readonly scenario: string;
  readonly of: string;
  readonly unit: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface Change {
  /** The median of the rounds' ratios. */
  readonly ratio: number;
  readonly range: readonly [number, number];
  /** Which of the two all rounds agree on; chance alone does so in one of 32 tables of six rounds. */
  readonly verdict: 'better' | 'worse' | undefined;
}

const fewestRounds = 3;

export function changeOf({ before, after }: Pick<Paired, 'before' | 'after'>): Change {
  const ratios = after.map((cost, round) => cost / (before[round] as number));
  const isAgreed = ratios.length >= fewestRounds;
  const { value: ratio, range } = summary(ratios);
  const verdict = range[0] > 1 ? 'worse' : range[1] < 1 ? 'better' : undefined;
  return { ratio, range, verdict: isAgreed ? verdict : undefined };
}

/** `1.10 x, 1.05 to 1.20, worse in each round` */
export function changeInWords(row: Pick<Paired, 'before' | 'after'>): string {
  return wordsOf(changeOf(row)).filter(Boolean).join(', ');
}

function wordsOf({
  ratio,
  range,
  verdict,
}: Change): readonly [ratio: string, range: string, verdict: string] {
  const spread = range.map((end) => end.toFixed(2)).join(' to ');
  return [`${ratio.toFixed(2)} x`, spread, verdict === undefined ? '' : `${verdict} in each round`];
}

/** @param names of the two builds */
export function pairedTable(
  rows: readonly Paired[],
  names: readonly [before: string, after: string],
): string {
  const cells = rows.map((row) => {
    const medianOf = (costs: readonly number[]) => `${formatValue(median(costs))} ${row.unit}`;
    return [
      `${row.scenario}, ${row.of}`,
      medianOf(row.before),
      medianOf(row.after),
      ...wordsOf(changeOf(row)),
    ];
  });
  return alignedTable([['', ...names, 'ratio', 'of the rounds', ''], ...cells], [1, 2, 3]);
}
