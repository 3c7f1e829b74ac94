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

/** One row a fault, from all of its rows: what was promised where the latest came closest to it, and the sums. */
export function overviewTable(rows: readonly Row[]): string {
  const faults = [...new Set(rows.map(({ fault }) => fault))];
  return [
    '| fault | promised | latest | deaths found | false deaths | calls lost | best without the agent |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...faults.map((name) => `| ${overviewOf(rows.filter(({ fault }) => fault === name)).join(' | ')} |`),
  ].join('\n');
}

function overviewOf(rows: readonly Row[]): string[] {
  const [{ about, fault }] = rows as [Row];
  const sum = (value: (row: Row) => number) => rows.reduce((total, row) => total + value(row), 0);
  const used = ({ maxMs = 0, boundMs = Infinity }: Row) => maxMs / boundMs;
  const closest = rows.filter(isBounded).toSorted((one, other) => used(other) - used(one))[0];
  const alone = rows.filter((row) => !isPromised(row) && row.maxMs !== undefined);
  const [best] = alone.toSorted((one, other) => (one.maxMs as number) - (other.maxMs as number));
  const found = sum((row) => (isPromised(row) ? row.deathsDetected : 0));
  const expected = sum(({ deathsExpected }) => deathsExpected);
  const chances = sum((row) => row.chances);
  return [
    `[${about}](#${anchorOf(`${about} (${fault})`)})`,
    seconds(closest?.boundMs),
    seconds(closest?.maxMs),
    expected === 0 ? '' : `${count(found)} of ${count(expected)}`,
    chances === 0 ? '' : `${count(sum(({ falseDeaths }) => falseDeaths))} of ${count(chances)}`,
    count(sum(({ callsLost }) => callsLost)),
    best === undefined
      ? ''
      : `${seconds(best.maxMs)} (${best.layer === 'guard' ? best.variant : best.server})`,
  ];
}

/** All rows together, in two sentences. */
export function sumsInWords(rows: readonly Row[]): string {
  const own = rows.filter(isPromised);
  const sum = (value: (row: Row) => number) => count(own.reduce((total, row) => total + value(row), 0));
  const faults = new Set(own.map(({ fault }) => fault)).size;
  return (
    `In ${faults} faults, ${sum((row) => row.deathsDetected)} of ${sum((row) => row.deathsExpected)} dead connections were found. ` +
    `In ${sum((row) => row.chances)} chances of losing one that was healthy, ${sum((row) => row.falseDeaths)} were lost.`
  );
}

const isBounded = ({ boundMs, maxMs }: Row) => boundMs !== undefined && maxMs !== undefined;
/** Others are of clients without the agent, or of a relay that is not guard. */
const isPromised = ({ boundMs, chances, deathsExpected }: Row) =>
  boundMs !== undefined || chances > 0 || deathsExpected > 0;

/** The anchor that GitHub generates for a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

function cellsOf(row: Row): string[] {
  return Object.values(columns).map((cell) => cell(row));
}

function notesOf({ notes, broken }: Row): string {
  return [...broken.map((phrase) => `**${phrase}**`), ...(notes === undefined ? [] : [notes])].join('; ');
}

const seconds = (ms: number | undefined) => (ms === undefined ? '' : `${(ms / 1000).toFixed(2)} s`);
const count = (n: number) => n.toLocaleString('en');
