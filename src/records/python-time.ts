import { PythonTimeZone } from './python-time-zone.js';

/** What a `datetime.time` is made of. */
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
  /** `null` for a naive time; a {@link PythonTimeZone} if its offset is known; else a `PythonObject` or what there was. */
  readonly tzinfo: unknown;

  constructor({ hour, minute, second, microsecond, fold }: TimeFields, tzinfo: unknown = null) {
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.microsecond = microsecond;
    this.fold = fold;
    this.tzinfo = tzinfo;
  }

  /** `23:59:59.000001+01:00` as Python's `isoformat` has it; without an offset if none is known. */
  toString(): string {
    const clock = [this.hour, this.minute, this.second].map((part) => String(part).padStart(2, '0'));
    const fraction = this.microsecond > 0 ? `.${String(this.microsecond).padStart(6, '0')}` : '';
    const offset = this.tzinfo instanceof PythonTimeZone ? this.tzinfo.toString() : '';
    return `${clock.join(':')}${fraction}${offset}`;
  }
}
