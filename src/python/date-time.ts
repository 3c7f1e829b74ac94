/** Python's `datetime.timedelta`, normalized as in Python: only the days can be negative. */
export class PythonTimeDelta {
  readonly days: number;
  /** 0 to 86,399. */
  readonly seconds: number;
  /** 0 to 999,999. */
  readonly microseconds: number;

  constructor(days: number, seconds: number, microseconds: number) {
    this.days = days;
    this.seconds = seconds;
    this.microseconds = microseconds;
  }

  /** The total in seconds; exact to the microsecond up to about 285 years. */
  get totalSeconds(): number {
    return this.days * 86_400 + this.seconds + this.microseconds / 1e6;
  }
}

/**
 * A time zone with an offset, a name, or both: Python's `datetime.timezone` and `zoneinfo`, and zones of the packages `pytz`
 * and `dateutil`.
 */
export class PythonTimeZone {
  /**
   * Positive east of Greenwich; `null` if the record holds only the name, or rules by which it changes. The name alone does
   * not determine it: `Etc/GMT+1` is one hour behind Greenwich, but `GMT+1` of Zope's `DateTime` is one hour ahead.
   * With `pytz` it is the offset at the time that the zone belongs to.
   */
  readonly utcOffset: PythonTimeDelta | null;
  /**
   * E.g. `Europe/Berlin` with `pytz` and `zoneinfo`, or the name of the `timezone`. With `dateutil` also the path of a file
   * outside of the zone database, or a rule such as `CET-1CEST`.
   */
  readonly name: string | undefined;

  constructor(utcOffset: PythonTimeDelta | null, name?: string) {
    this.utcOffset = utcOffset;
    this.name = name;
  }

  /** In ISO 8601: `+01:00`, with seconds if there are any; `+??:??[Europe/Berlin]` if the offset is not known. */
  toString(): string {
    if (this.utcOffset === null) return `${unknownOffset}${this.name === undefined ? '' : `[${this.name}]`}`;
    const { days, seconds, microseconds } = this.utcOffset;
    const isNegative = days < 0;
    // Exact, because an offset is shorter than a day.
    const total = Math.abs((days * 86_400 + seconds) * 1e6 + microseconds);
    const parts = [total / 3.6e9, (total / 6e7) % 60].map((part) => padded(Math.floor(part), 2));
    const rest = total % 6e7;
    if (rest > 0) parts.push(padded(Math.floor(rest / 1e6), 2));
    return `${isNegative ? '-' : '+'}${parts.join(':')}${fractionOf(rest % 1e6)}`;
  }
}

/** Date.parse rejects it, where it would take a time without an offset as local time. */
const unknownOffset = '+??:??';

function padded(value: number, length: number): string {
  return String(value).padStart(length, '0');
}

function fractionOf(microseconds: number): string {
  return microseconds > 0 ? `.${padded(microseconds, 6)}` : '';
}

/** Python's `datetime.date`. */
export class PythonDate {
  /** 1 to 9999. */
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;

  constructor(year: number, month: number, day: number) {
    this.year = year;
    this.month = month;
    this.day = day;
  }

  /** `2024-02-29`, as Python's `isoformat`. */
  toString(): string {
    return `${padded(this.year, 4)}-${padded(this.month, 2)}-${padded(this.day, 2)}`;
  }
}

/** The fields of a `datetime.time`. */
export interface TimeFields {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  /** 1 for the second of two equal times when clocks are set back. */
  readonly fold: 0 | 1;
}

/** Python's `datetime.time`. */
export class PythonTime implements TimeFields {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  readonly fold: 0 | 1;
  /** `null` for a naive time; usually a {@link PythonTimeZone}, else a `PythonObject` or any other value. */
  readonly tzinfo: unknown;

  constructor({ hour, minute, second, microsecond, fold }: TimeFields, tzinfo: unknown = null) {
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.microsecond = microsecond;
    this.fold = fold;
    this.tzinfo = tzinfo;
  }

  /** `23:59:59.000001+01:00`, as Python's `isoformat`; with `+??:??` if the offset of its zone is not known. */
  toString(): string {
    const clock = [this.hour, this.minute, this.second].map((part) => padded(part, 2)).join(':');
    return `${clock}${fractionOf(this.microsecond)}${this.#zone}`;
  }

  get #zone(): string {
    if (this.tzinfo === null) return '';
    return this.tzinfo instanceof PythonTimeZone ? this.tzinfo.toString() : unknownOffset;
  }
}

/** Python's `datetime.datetime`. */
export class PythonDateTime {
  readonly date: PythonDate;
  /** Including the time zone. */
  readonly time: PythonTime;

  constructor(date: PythonDate, time: PythonTime) {
    this.date = date;
    this.time = time;
  }

  /** `2024-02-29T23:59:59.000001+01:00`, as Python's `isoformat`; with `+??:??` if the offset of its zone is not known. */
  toString(): string {
    return `${this.date}T${this.time}`;
  }

  /** The point in time, to the millisecond; `undefined` for a naive one, and if the offset of its zone is not known. */
  toDate(): Date | undefined {
    const { date, time } = this;
    const offset = time.tzinfo instanceof PythonTimeZone ? time.tzinfo.utcOffset : null;
    if (offset === null) return undefined;
    const moment = new Date(0);
    // Not Date.UTC, which maps years below 100 to the twentieth century.
    moment.setUTCFullYear(date.year, date.month - 1, date.day);
    moment.setUTCHours(time.hour, time.minute, time.second, Math.floor(time.microsecond / 1000));
    return new Date(moment.getTime() - Math.round(offset.totalSeconds * 1000));
  }
}
