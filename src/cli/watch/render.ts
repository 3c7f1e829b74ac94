import { formatDuration, formatMoment, formatTime } from '../io/format.js';
import type { Paint, Style } from '../io/paint.js';
import { truncate, truncateMiddle, widthOf } from '../io/terminal-text.js';
import type { Snapshot } from './snapshot.js';
import { countStates, renderTable } from './table.js';
import type { Entry, EntryKind } from './view.js';

export interface RenderOptions {
  readonly columns: number;
  /** Lines of the terminal. */
  readonly rows: number;
  readonly paint: Paint;
}

const kindStyles: Readonly<Record<EntryKind, Style | undefined>> = {
  good: 'good',
  bad: 'bad',
  note: undefined,
  routine: 'faint',
  detail: 'faint',
};
const mostRecent = 8;

/**
 * The screen: a title, the table, and recent events. At most `rows` lines, none wider than `columns`, which must be at least
 * 20.
 */
export function render(snapshot: Snapshot, { columns, rows, paint }: RenderOptions): readonly string[] {
  const lines = [titleOf(snapshot, columns), ''];
  const { now } = snapshot;
  const recent = snapshot.recent.slice(-recentLines(rows, snapshot.recent.length));
  const tail =
    recent.length === 0 ? [] : ['', ...recent.map((entry) => renderEntry(entry, now, columns, paint))];
  const height = Math.max(2, rows - lines.length - tail.length);
  const table = renderTable(snapshot.rows, { now, width: columns, height, paint });
  return [...lines, ...table, ...tail].slice(0, rows);
}

/** As many parts as fit, the most important first. */
function titleOf({ now, rows, periodMs, detectionBoundMs }: Snapshot, columns: number): string {
  const parts = [
    `${rows.length} ${rows.length === 1 ? 'storage' : 'storages'}: ${countStates(rows)}`,
    `pinged every ${formatDuration(periodMs)}`,
    `silence is found within ${formatDuration(detectionBoundMs)}`,
  ];
  let title = `zeo-keepalive ${formatTime(now)}`;
  for (const part of parts) {
    const longer = `${title} · ${part}`;
    if (widthOf(longer) > columns) break;
    title = longer;
  }
  return truncate(title, columns);
}

/** One recent event. */
function renderEntry({ time, name, text, kind }: Entry, now: Date, columns: number, paint: Paint): string {
  const who = name === undefined ? '' : `${truncateMiddle(name, Math.floor(columns / 3))}  `;
  const line = truncate(`${formatMoment(time, now)}  ${who}${text}`, columns);
  const style = kindStyles[kind];
  return style === undefined ? line : paint(style, line);
}

/** At most a third of the screen. */
function recentLines(rows: number, available: number): number {
  return Math.max(1, Math.min(available, mostRecent, Math.floor(rows / 3) - 1));
}
