import { formatMoment, formatMs, formatSince } from '../io/format.js';
import type { Paint, Style } from '../io/paint.js';
import { padEnd, padStart, truncate, truncateMiddle, widthOf, wrap } from '../io/terminal-text.js';
import { type DisplayState, describeTrouble, displayStates, isTrouble, type Row } from './snapshot.js';

const styles: Readonly<Record<DisplayState, Style>> = {
  dead: 'bad',
  down: 'bad',
  failed: 'bad',
  opening: 'uncertain',
  back: 'uncertain',
  ready: 'good',
  alive: 'good',
};

interface Column {
  readonly heading: string;
  readonly width: number;
  /** The narrowest terminal that shows it, in columns. */
  readonly from: number;
  readonly cell: (row: Row, now: Date) => string;
  readonly pad: typeof padEnd;
}

const milliseconds = (pick: (roundTrips: NonNullable<Row['roundTrips']>) => number) => (row: Row) =>
  row.roundTrips === undefined ? '' : formatMs(pick(row.roundTrips));

const sparkWidth = 16;
const gap = '  ';
const columns: readonly Column[] = [
  { heading: 'STATE', width: 7, from: 0, cell: ({ state }) => state, pad: padEnd },
  { heading: 'SINCE', width: 8, from: 36, cell: ({ since }, now) => formatSince(since, now), pad: padEnd },
  {
    heading: 'ms NOW',
    width: 6,
    from: 44,
    // A server that does not answer has no current round trip.
    cell: (row) => (isTrouble(row.state) ? '' : milliseconds(({ lastMs }) => lastMs)(row)),
    pad: padStart,
  },
  { heading: 'P50', width: 5, from: 56, cell: milliseconds(({ p50Ms }) => p50Ms), pad: padStart },
  { heading: 'P99', width: 5, from: 56, cell: milliseconds(({ p99Ms }) => p99Ms), pad: padStart },
  {
    heading: 'LATELY',
    width: sparkWidth,
    from: 80,
    cell: ({ roundTrips }) => sparkLine(roundTrips?.recentMs ?? [], sparkWidth),
    pad: padEnd,
  },
];
const serverColumn: Column = {
  heading: 'SERVER',
  width: 24,
  from: 100,
  cell: ({ server = '' }) => truncateMiddle(server, 24),
  pad: padEnd,
};
/** A longer name may be truncated to make room for its server. */
const longName = 32;
/** A diagnosis is one sentence, which fits. */
const troubleLines = 3;

/**
 * The storages, worst first, in at most `height` lines; if there are more, the last line counts the rest.
 *
 * @param width columns of the terminal
 * @param height lines, 2 or more, the heading included
 */
export function renderTable(
  rows: readonly Row[],
  { now, width, height, paint }: { now: Date; width: number; height: number; paint: Paint },
): readonly string[] {
  const sorted = rows.toSorted((a, b) => displayStates.indexOf(a.state) - displayStates.indexOf(b.state));
  const longestName = Math.max(7, ...rows.map(({ name }) => widthOf(name)));
  const shown = columnsFor(rows, width, longestName);
  const nameWidth = Math.max(4, Math.min(longestName, width - widthOfAll(shown)));
  const heading = [
    padEnd('STORAGE', nameWidth),
    ...shown.map((column) => column.pad(column.heading, column.width)),
  ];

  const block = (row: Row, withOldTrouble: boolean): readonly string[] => {
    const bad = isTrouble(row.state);
    const cells = shown.map((column) => {
      const text = column.pad(column.cell(row, now), column.width);
      return column.heading === 'STATE' ? paint(styles[row.state], text) : text;
    });
    const line = [padEnd(truncateMiddle(row.name, nameWidth), nameWidth), ...cells].join(gap).trimEnd();
    if (row.trouble === undefined || !(bad || withOldTrouble)) return [line];
    const text = `${formatMoment(row.trouble.at, now)} ${describeTrouble(row.trouble)}`;
    const explanation = wrap(text, Math.max(10, width - 4), troubleLines).map((part, index) =>
      paint(bad ? 'bad' : 'faint', `  ${index === 0 ? '└' : ' '} ${part}`),
    );
    return [line, ...explanation];
  };

  const room = height - 1;
  const full = sorted.map((row) => block(row, true));
  // If there is not room for everything, past troubles are left out first.
  const blocks = full.flat().length <= room ? full : sorted.map((row) => block(row, false));
  const body: string[] = [];
  let count = 0;
  for (const lines of blocks) {
    const isLast = count === blocks.length - 1;
    if (body.length + lines.length > room - (isLast ? 0 : 1)) break;
    body.push(...lines);
    count += 1;
  }
  const rest = sorted.slice(count);
  if (rest.length > 0)
    body.push(paint('faint', truncate(`… and ${rest.length} more: ${countStates(rest)}`, width)));
  return [paint('strong', heading.join(gap).trimEnd()), ...body];
}

function columnsFor(rows: readonly Row[], width: number, longestName: number): readonly Column[] {
  const shown = columns.filter(({ from }) => width >= from);
  const withServer = [serverColumn, ...shown];
  // The column adds nothing if each name is the address of its server.
  const isNews = rows.some(({ name, server }) => server !== undefined && server !== name);
  const name = Math.min(longestName, longName);
  return isNews && name + widthOfAll(withServer) <= width ? withServer : shown;
}

function widthOfAll(columns: readonly Column[]): number {
  return columns.reduce((sum, column) => sum + gap.length + column.width, 0);
}

/** `2 dead, 40 alive`. */
export function countStates(rows: readonly Row[]): string {
  return displayStates
    .map((state) => [rows.filter((row) => row.state === state).length, state] as const)
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`)
    .join(', ');
}

const bars = [...'▁▂▃▄▅▆▇█'];

/**
 * A one-line graph of the last values that fit, scaled from zero to the highest of them.
 *
 * @example sparkLine([1, 2, 4, 8], 8) // '▁▂▄█'
 */
export function sparkLine(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const highest = Math.max(...shown);
  return shown.map((value) => bars[barOf(value, highest)]).join('');
}

function barOf(value: number, highest: number): number {
  return highest > 0 ? Math.max(0, Math.ceil((value / highest) * bars.length) - 1) : 0;
}
