import {
  PythonDate,
  PythonDateTime,
  PythonTime,
  PythonTimeDelta,
  PythonTimeZone,
  type TimeFields,
} from '../python/date-time.js';
import type { Call, CallContext } from './call.js';

/** A day in seconds; every offset is shorter. */
const day = 86_400;

/**
 * The values of calls into Python's `datetime` and `zoneinfo` and into `pytz` and `dateutil`, by dotted name. Dates and
 * times are packed into bytes (`Lib/_pydatetime.py: __reduce_ex__`), big-endian.
 */
export const dateCalls: readonly (readonly [string, Call])[] = [
  ['datetime.date', ([packed], { strings }) => date(octets(packed, 4, strings))],
  ['datetime.time', ([packed, zone], { strings }) => time(octets(packed, 6, strings), zone)],
  ['datetime.datetime', dateTime],
  ['datetime.timedelta', (args) => timeDelta(args)],
  ['datetime.timezone', ([offset, name], { strings }) => timeZone(offset, strings.text(name))],
  ['pytz._UTC', utc],
  ['pytz._p', pytzZone],
  [
    'pytz.FixedOffset',
    ([minutes]) => (isInteger(minutes) ? timeZone(timeDelta([0, minutes * 60, 0])) : undefined),
  ],
  ['zoneinfo.ZoneInfo._unpickle', namedZone],
  ['backports.zoneinfo.ZoneInfo._unpickle', namedZone],
  ['dateutil.tz.tz.tzoffset', ([name, offset], { strings }) => timeZone(offset, strings.text(name))],
  // Version 4. The table of offsets after them is not used: it is that of the machine that wrote it.
  ['dateutil.tz._tzfile._unpickle', ([, key, file], { strings }) => fileZone(key ?? file, strings)],
  // Before 2.6. Since then there are two arguments and a state.
  ...['dateutil.tz', 'dateutil.tz.tz'].map((module): [string, Call] => [`${module}.tzfile`, earlyFileZone]),
  ['dateutil.zoneinfo.gettz', namedZone],
];

function dateTime([packed, zone]: readonly unknown[], { strings }: CallContext): PythonDateTime | undefined {
  const bytes = octets(packed, 10, strings);
  if (bytes === undefined) return undefined;
  // The highest bit of the month marks the second of two equal times; `time` expects it as an argument.
  const month = bytes[2] as number;
  const days = date(Uint8Array.of(...bytes.subarray(0, 2), month & 0x7f, bytes[3] as number));
  const clock = time(bytes.subarray(4), zone, month > 0x7f);
  return days && clock && new PythonDateTime(days, clock);
}

function octets(value: unknown, length: number, strings: CallContext['strings']): Uint8Array | undefined {
  const bytes = strings.bytes(value);
  return bytes?.length === length ? bytes : undefined;
}

function date(bytes: Uint8Array | undefined): PythonDate | undefined {
  if (bytes === undefined) return undefined;
  const [high = 0, low = 0, month = 0, dayOfMonth = 0] = bytes;
  const year = high * 256 + low;
  const isDate = isIn(year, 1, 9999) && isIn(month, 1, 12) && isIn(dayOfMonth, 1, daysIn(month, year));
  return isDate ? new PythonDate(year, month, dayOfMonth) : undefined;
}

function daysIn(month: number, year: number): number {
  // The calendar repeats every 400 years; Date.UTC maps years below 100 to the twentieth century.
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

function time(bytes: Uint8Array | undefined, zone: unknown, isSecond = false): PythonTime | undefined {
  if (bytes === undefined) return undefined;
  const [first = 0, minute = 0, second = 0, high = 0, middle = 0, low = 0] = bytes;
  const fields: TimeFields = {
    hour: first & 0x7f,
    minute,
    second,
    microsecond: high * 65_536 + middle * 256 + low,
    fold: isSecond || first > 0x7f ? 1 : 0,
  };
  const isTime = fields.hour < 24 && minute < 60 && second < 60 && fields.microsecond < 1e6;
  return isTime ? new PythonTime(fields, zone) : undefined;
}

/** Seconds may be negative or more than a day, as in `pytz`. */
function timeDelta([days = 0, seconds = 0, microseconds = 0]: readonly unknown[]):
  | PythonTimeDelta
  | undefined {
  if (!isInteger(days) || !isInteger(seconds) || !isInteger(microseconds)) return undefined;
  if (!isIn(microseconds, 0, 999_999)) return undefined;
  const carried = Math.floor(seconds / day);
  return new PythonTimeDelta(days + carried, seconds - carried * day, microseconds);
}

export function timeZone(offset: unknown, name?: string): PythonTimeZone | undefined {
  if (!(offset instanceof PythonTimeDelta) || Math.abs(offset.totalSeconds) >= day) return undefined;
  return new PythonTimeZone(offset, name);
}

export function utc(): PythonTimeZone {
  return new PythonTimeZone(new PythonTimeDelta(0, 0, 0), 'UTC');
}

/** A zone that changes its offset is written with the one that applies; any other by its name alone (`pytz/tzinfo.py`). */
function pytzZone(args: readonly unknown[], context: CallContext): PythonTimeZone | undefined {
  const [name, offset = null] = args;
  if (offset === null) return namedZone(args, context);
  return timeZone(timeDelta([0, offset, 0]), context.strings.text(name));
}

function namedZone([name]: readonly unknown[], { strings }: CallContext): PythonTimeZone | undefined {
  const text = strings.text(name);
  return text === undefined ? undefined : new PythonTimeZone(null, text);
}

/** Where dateutil looks for zones. */
const zoneDirectory = /^\/(?:usr\/(?:share(?:\/lib)?|lib)|etc)\/zoneinfo\//;

/** A zone that was read from a file, by its key in the zone database or else the file's name. */
export function fileZone(file: unknown, strings: CallContext['strings']): PythonTimeZone | undefined {
  const name = strings.text(file)?.replace(zoneDirectory, '');
  return name === undefined ? undefined : new PythonTimeZone(null, name);
}

function earlyFileZone(args: readonly unknown[], { strings }: CallContext): PythonTimeZone | undefined {
  return args.length === 1 ? fileZone(args[0], strings) : undefined;
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isIn(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
