import type { PythonDate } from './python-date.js';
import type { PythonTime } from './python-time.js';
import { PythonTimeZone } from './python-time-zone.js';

/** Python's `datetime.datetime`. */
export class PythonDateTime {
  readonly date: PythonDate;
  /** With the time zone. */
  readonly time: PythonTime;

  constructor(date: PythonDate, time: PythonTime) {
    this.date = date;
    this.time = time;
  }

  /** `2024-02-29T23:59:59.000001+01:00` as Python's `isoformat` has it; without an offset if none is known. */
  toString(): string {
    return `${this.date}T${this.time}`;
  }

  /** The moment, to the millisecond; `undefined` for a naive one, and if the offset of its zone is not known. */
  toDate(): Date | undefined {
    const { date, time } = this;
    if (!(time.tzinfo instanceof PythonTimeZone)) return undefined;
    const moment = new Date(0);
    // Not Date.UTC, which takes the years below 100 for those of the twentieth century.
    moment.setUTCFullYear(date.year, date.month - 1, date.day);
    moment.setUTCHours(time.hour, time.minute, time.second, Math.floor(time.microsecond / 1000));
    return new Date(moment.getTime() - Math.round(time.tzinfo.utcOffset.totalSeconds * 1000));
  }
}
