import type { PythonTimeDelta } from './python-time-delta.js';

/** A time zone whose offset is known: Python's `datetime.timezone`, and those of the package `pytz`. */
export class PythonTimeZone {
  /** East of Greenwich is positive. With `pytz` it is the one that holds for the time that the zone is of. */
  readonly utcOffset: PythonTimeDelta;
  /** `Europe/Berlin` of `pytz`, or what the `timezone` was called. */
  readonly name: string | undefined;

  constructor(utcOffset: PythonTimeDelta, name?: string) {
    this.utcOffset = utcOffset;
    this.name = name;
  }

  /** As ISO 8601 has it: `+01:00`, with seconds if there are any. */
  toString(): string {
    const { days, seconds, microseconds } = this.utcOffset;
    const isNegative = days < 0;
    // Exact: an offset is less than a day.
    const total = Math.abs((days * 86_400 + seconds) * 1e6 + microseconds);
    const parts = [total / 3.6e9, (total / 6e7) % 60].map((part) => twoDigits(Math.floor(part)));
    const rest = total % 6e7;
    if (rest > 0) parts.push(twoDigits(Math.floor(rest / 1e6)));
    const fraction = rest % 1e6 > 0 ? `.${String(rest % 1e6).padStart(6, '0')}` : '';
    return `${isNegative ? '-' : '+'}${parts.join(':')}${fraction}`;
  }
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
