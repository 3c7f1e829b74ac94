import { type Figure, formatValue, isMet, ratioOf, targetInWords } from './figure.js';

const columns = ['', '', 'median', 'ratio', 'against', 'target', ''] as const;

/** The figures as a table of text, with ratio and target beside each. */
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
  const { subject, of, value, unit, baseline } = figure;
  return [
    subject,
    of,
    Number.isFinite(value) ? `${formatValue(value)} ${unit}` : formatValue(value),
    ratioInWords(figure),
    baseline === undefined ? '' : [baseline.subject, baseline.of].filter(Boolean).join(', '),
    targetInWords(figure),
    verdictInWords(figure),
  ];
}

export function ratioInWords(figure: Figure): string {
  const ratio = ratioOf(figure);
  if (ratio === undefined || !Number.isFinite(ratio)) return '';
  return figure.target?.on === 'difference'
    ? `${figure.value >= (figure.baseline?.value ?? 0) ? '+' : '-'}${formatValue(Math.abs(figure.value - (figure.baseline?.value ?? 0)))}`
    : `${ratio.toFixed(2)} x`;
}

export function verdictInWords(figure: Figure): string {
  const met = isMet(figure);
  return met === undefined ? '' : met ? 'reached' : 'missed';
}
