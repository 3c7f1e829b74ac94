import { type Figure, targetInWords } from '../figure.js';
import { baselineInWords, ratioInWords, valueInWords, verdictInWords } from './words.js';

const columns = ['', '', 'median', 'ratio', 'against', 'target', ''] as const;

/** The figures as a text table, with the ratio and the target of each. */
export function textTable(figures: readonly Figure[]): string {
  return alignedTable([columns, ...figures.map(cells)], [2, 3]);
}

/** @param numbers the columns that are aligned on the right */
export function alignedTable(rows: readonly (readonly string[])[], numbers: readonly number[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] as number;
          return numbers.includes(column) ? cell.padStart(width) : cell.padEnd(width);
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
