import { attributesOf } from '../python/attributes.js';
import { PythonTimeZone } from '../python/date-time.js';
import { PythonGlobal } from '../python/global.js';
import type { PythonObject } from '../python/object.js';
import { PythonUuid } from '../python/uuid.js';
import { ZopeDateTime } from '../python/zope-date-time.js';
import { fileZone, timeZone } from './date-calls.js';
import type { Python2Strings } from './python2-strings.js';

type Build = (state: unknown, strings: Python2Strings) => unknown;

/** Values of classes whose content is their state, by dotted name. `undefined` for a state that Python does not write. */
const builds: ReadonlyMap<string, Build> = new Map<string, Build>([
  ['uuid.UUID', uuid],
  ['DateTime.DateTime.DateTime', zopeDateTime],
  // The module was split in dateutil 2.6. Version 4 writes calls instead of tzoffset and tzfile.
  ...['dateutil.tz', 'dateutil.tz.tz'].flatMap((module): [string, Build][] => [
    [`${module}.tzoffset`, fixedOffset],
    [`${module}.tzlocal`, localZone],
    [`${module}.tzfile`, zoneOfFile],
    [`${module}.tzrange`, ruleZone],
    [`${module}.tzstr`, ruleZone],
  ]),
  // From the files in the package.
  ['dateutil.zoneinfo.tzfile', zoneOfFile],
]);

/** Longer than any known name: a name may be of any length. */
const maxNameLength = 30;

/** Whether {@link buildValue} may return a value for an instance of the class. */
export function isBuilt({ class: cls }: PythonObject): boolean {
  return buildOf(cls) !== undefined;
}

/** The value of an object that has its state. */
export function buildValue({ class: cls, state }: PythonObject, strings: Python2Strings): unknown {
  return buildOf(cls)?.(state, strings);
}

function buildOf(cls: unknown): Build | undefined {
  if (!(cls instanceof PythonGlobal) || cls.module.length + cls.name.length > maxNameLength) return undefined;
  return builds.get(cls.toString());
}

function uuid(state: unknown): PythonUuid | undefined {
  const int = attributesOf(state).get('int');
  if (!isInteger(int) || int < 0 || int >= 1n << 128n) return undefined;
  const digits = int.toString(16).padStart(32, '0');
  return new PythonUuid(digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
}

/** `DateTime.__setstate__`: a tuple, or before DateTime 3.0 a dict with the seconds as a float. */
function zopeDateTime(state: unknown, strings: Python2Strings): ZopeDateTime | undefined {
  if (Array.isArray(state)) {
    const [moment, isNaive, zone] = state;
    return zopeMoment(fromTuple(moment), zone, isNaive, strings);
  }
  const attributes = attributesOf(state);
  const micros = attributes.get('_micros') ?? toMicroseconds(attributes.get('_t'));
  return zopeMoment(micros, attributes.get('_tz'), attributes.get('_timezone_naive') ?? false, strings);
}

function zopeMoment(
  micros: unknown,
  zone: unknown,
  isNaive: unknown,
  strings: Python2Strings,
): ZopeDateTime | undefined {
  const name = strings.text(zone);
  if (!isInteger(micros) || name === undefined) return undefined;
  // Protocol 0 and 1 of Python 2 write False as 0.
  return new ZopeDateTime(micros, name, isNaive === true || isNaive === 1);
}

/**
 * An integer in microseconds, or in early versions a float in seconds. A whole number may be either, because pickle's floats
 * are numbers here, too; within about a day of the epoch it could be a float of any century, and stays undecoded.
 */
function fromTuple(moment: unknown): unknown {
  if (typeof moment !== 'number') return moment;
  if (!Number.isInteger(moment)) return toMicroseconds(moment);
  return moment !== 0 && Math.abs(moment) < 1e11 ? undefined : moment;
}

function toMicroseconds(seconds: unknown): number | undefined {
  return typeof seconds === 'number' ? Math.trunc(seconds * 1e6) : undefined;
}

function fixedOffset(state: unknown, strings: Python2Strings): PythonTimeZone | undefined {
  const attributes = attributesOf(state);
  return timeZone(attributes.get('_offset'), strings.text(attributes.get('_name')));
}

function zoneOfFile(state: unknown, strings: Python2Strings): PythonTimeZone | undefined {
  return fileZone(attributesOf(state).get('_filename'), strings);
}

/** Whether daylight saving time applies at a moment is known only to the machine that wrote it. */
function localZone(state: unknown, strings: Python2Strings): PythonTimeZone | undefined {
  const attributes = attributesOf(state);
  if (attributes.get('_hasdst') !== false) return undefined;
  const names = attributes.get('_tznames');
  return timeZone(attributes.get('_std_offset'), Array.isArray(names) ? strings.text(names[0]) : undefined);
}

/** A `tzstr` has a text such as `CET-1CEST`, a `tzrange` only the names of its two offsets. */
function ruleZone(state: unknown, strings: Python2Strings): PythonTimeZone | undefined {
  const attributes = attributesOf(state);
  const name = strings.text(attributes.get('_s'));
  // No rule for when daylight saving time begins.
  if (attributes.get('_start_delta') === null)
    return timeZone(attributes.get('_std_offset'), name ?? strings.text(attributes.get('_std_abbr')));
  return name === undefined ? undefined : new PythonTimeZone(null, name);
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}
