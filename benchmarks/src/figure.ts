/** One measured figure: the median of its repetitions. */
export interface Figure {
  /** What was measured: `agent`, `bare sockets`, … */
  readonly subject: string;
  /** The case, or an aspect of it: `10,000 storages`, `p99`, … */
  readonly of: string;
  /** `Infinity`: the event did not come within the time limit. */
  readonly value: number;
  readonly unit: string;
  /** The smallest and the largest of the repetitions. */
  readonly range?: readonly [number, number];
  /** The figure of the same run to which it is compared. */
  readonly baseline?: { readonly subject: string; readonly of?: string; readonly value: number };
  readonly target?: Target;
  readonly note?: string;
}

/** A performance target. */
export interface Target {
  /** The value itself, its ratio to the baseline, or its difference from the baseline. */
  readonly on: 'value' | 'ratio' | 'difference';
  readonly atMost: number;
}

export function ratioOf({ value, baseline }: Figure): number | undefined {
  return baseline === undefined ? undefined : value / baseline.value;
}

/** Whether the target is met; `undefined` without one. */
export function isMet(figure: Figure): boolean | undefined {
  const { target, value, baseline } = figure;
  if (target === undefined) return undefined;
  const judged = {
    value,
    ratio: ratioOf(figure) ?? Number.NaN,
    difference: value - (baseline?.value ?? 0),
  }[target.on];
  return judged <= target.atMost;
}

/** The target in words. */
export function targetInWords({ target, unit }: Figure): string {
  if (target === undefined) return '';
  const { on, atMost } = target;
  if (on === 'ratio') return `at most ${atMost} x`;
  return on === 'value' ? `at most ${atMost} ${unit}` : `at most ${atMost} ${unit} more`;
}

/** Three digits: more would suggest a precision that a shared machine does not have. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return 'never';
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 2 });
}
