import { KeepAliveError } from '../../model/errors.js';
import { oneLine } from './terminal-text.js';

/** An error as one printable line: its message, and the system's code unless the message contains it. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  const code = 'code' in error && !(error instanceof KeepAliveError) ? String(error.code) : '';
  return oneLine(error.message.includes(code) ? error.message : `${error.message} (${code})`);
}

/** A round trip, in as few characters as are of use. */
export function formatMs(ms: number): string {
  if (ms < 10) return ms.toFixed(2);
  if (ms < 100) return ms.toFixed(1);
  return ms < 100_000 ? ms.toFixed(0) : `${(ms / 1000).toFixed(0)}s`;
}

/** A duration with its unit, rounded for people. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 100) return `${seconds.toFixed(1).replace(/\.0$/, '')} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return seconds < 100 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** `HH:MM:SS` in local time. */
export function formatTime(time: Date): string {
  return time.toTimeString().slice(0, 8);
}

/** `YYYY-MM-DD HH:MM:SS` in local time, for people; JSON has UTC. */
export function formatDateTime(time: Date): string {
  const [month, day] = [time.getMonth() + 1, time.getDate()].map((part) => String(part).padStart(2, '0'));
  return `${time.getFullYear()}-${month}-${day} ${formatTime(time)}`;
}

/** The time, with the date unless it is today's. */
export function formatMoment(time: Date, now: Date): string {
  return isSameDay(time, now) ? formatTime(time) : formatDateTime(time);
}

/** The same in eight columns: `HH:MM:SS`, or for another day its date, as in `Jan 02`. */
export function formatSince(time: Date, now: Date): string {
  return isSameDay(time, now) ? formatTime(time) : time.toDateString().slice(4, 10);
}

function isSameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}
