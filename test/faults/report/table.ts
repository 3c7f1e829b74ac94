import type { Row } from './row.js';

const columns: Readonly<Record<string, (row: Row) => string>> = {
  fault: ({ fault }) => fault,
  variant: ({ variant }) => variant,
  server: ({ server }) => server,
  promised: ({ boundMs }) => seconds(boundMs),
  'found after (median)': ({ medianMs }) => seconds(medianMs),
  '(latest)': ({ maxMs }) => seconds(maxMs),
  'deaths found': ({ deathsDetected, deathsExpected }) =>
    deathsExpected === 0 ? '' : `${count(deathsDetected)} of ${count(deathsExpected)}`,
  'false deaths': ({ falseDeaths, chances }) =>
    chances === 0 ? '' : `${count(falseDeaths)} of ${count(chances)}`,
  'calls lost': ({ callsLost }) => count(callsLost),
};

/** For a terminal. */
export function textTable(rows: readonly Row[]): string {
  const cells = [Object.keys(columns), ...rows.map((row) => cellsOf(row))];
  const widths = Object.keys(columns).map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** For docs/reliability.md. */
export function markdownTable(rows: readonly Row[]): string {
  const peer = ['sockets', 'adapters', 'guard'].includes(rows[0]?.layer ?? '') ? 'client' : 'server';
  const shown = Object.keys(columns)
    .slice(1)
    .map((name) => (name === 'server' ? peer : name));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line([...shown, 'notes']),
    line([...shown, 'notes'].map(() => '---')),
    ...rows.map((row) => line([...cellsOf(row).slice(1), notesOf(row)])),
  ].join('\n');
}

function cellsOf(row: Row): string[] {
  return Object.values(columns).map((cell) => cell(row));
}

function notesOf({ notes, broken }: Row): string {
  return [...broken.map((phrase) => `**${phrase}**`), ...(notes === undefined ? [] : [notes])].join('; ');
}

const seconds = (ms: number | undefined) => (ms === undefined ? '' : `${(ms / 1000).toFixed(2)} s`);
const count = (n: number) => n.toLocaleString('en');
