import { type Figure, targetInWords } from '../figure.js';
import { baselineInWords, ratioInWords, valueInWords, verdictInWords } from './words.js';

const columns = ['', '', 'median', 'ratio', 'against', 'target', ''] as const;

/** The figures as a text table, with the ratio and the target of each. */
export function textTable(figures: readonly Figure[]): string {
  const rows = [columns, ...figures.map(cells)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const isNumber = (column: number) => column === 2 || column === 3;
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] as number;
          return isNumber(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells(figure: Figure): string[] {
  return [
    figure.subject,
    figure.of,
    valueInWords(figure),
    ratioInWords(figure),
    baselineInWords(figure),
    targetInWords(figure),
    verdictInWords(figure),
  ];
}
