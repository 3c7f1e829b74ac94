/** One measured figure, with what it is compared to. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it was measured against in the same run; absent for a baseline. */
  readonly baseline?: { readonly what: string; readonly value: number };
}

/** A scenario measures something and its baseline in one run. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  run(options: { readonly quick: boolean }): Promise<readonly Figure[]>;
}

export function ratioOf({ value, baseline }: Figure): number | undefined {
  return baseline === undefined ? undefined : value / baseline.value;
}

/** The figures as a table of text. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const ratio = ratioOf(figure);
    return [
      figure.what,
      `${figure.value.toPrecision(3)} ${figure.unit}`,
      ratio === undefined ? 'baseline' : `${ratio.toFixed(2)} x`,
      figure.baseline?.what ?? '',
    ];
  });
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows
    .map(([what = '', value = '', ratio = '', against = '']) =>
      `${what.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${ratio.padStart(widths[2] ?? 0)}  ${against}`.trimEnd(),
    )
    .join('\n');
}
