/*
 * Checks options and arguments against a table of their types. Each error names the option, what was expected and what was
 * received: `Option period: expected a number of seconds; received "soon"`. It has the code that the caller passes, and shows
 * no credentials (received-value.ts).
 */
import { type ErrorCode, KeepAliveError } from './errors.js';
import { receivedValue } from './received-value.js';

/** The type of an option. `Given` is what it is read from: text of a file, or anything from a caller. */
export interface Datatype<T, Given = unknown> {
  /** What to write after the word "expected" in a message. */
  readonly expected: string;
  /** Returns the value, or `undefined` if it is not what is expected. */
  readonly read: (given: Given) => T | undefined;
}

/** The type of each option; `anything` for those that are checked elsewhere. */
export type OptionTypes<Options> = { readonly [Name in keyof Options]-?: Datatype<unknown> };

/** Node's timers take at most 2^31 − 1 ms; with a longer delay they fire at once. */
export const longestSeconds = 2_147_483;

export interface NumberRange {
  readonly least?: number;
  readonly most?: number;
  readonly unit?: 'seconds' | 'milliseconds' | 'bytes';
  readonly isWhole?: boolean;
}

export function numeric({ least, most, unit, isWhole = false }: NumberRange): Datatype<number> {
  const noun = `a ${isWhole ? 'whole ' : ''}number${unit === undefined ? '' : ` of ${unit}`}`;
  const lower = least === undefined ? '' : ` from ${least}`;
  const upper = most === undefined ? '' : ` ${least === undefined ? 'up to' : 'to'} ${most}`;
  return matching(
    `${noun}${lower}${upper}`,
    (given): given is number =>
      (isWhole ? Number.isSafeInteger(given) : typeof given === 'number') &&
      (given as number) >= (least ?? -Infinity) &&
      (given as number) <= (most ?? Infinity),
  );
}

export function oneOf<T extends string>(...values: readonly T[]): Datatype<T> {
  return matching(`one of ${values.join(', ')}`, (given): given is T => values.includes(given as T));
}

export function matching<T>(expected: string, fits: (given: unknown) => given is T): Datatype<T> {
  return { expected, read: (given) => (fits(given) ? given : undefined) };
}

export const flag = matching('true or false', (given) => typeof given === 'boolean');
export const callback = matching('a function', (given) => typeof given === 'function');
export const text = matching('a string', (given) => typeof given === 'string');
export const nonEmptyText = matching(
  'a non-empty string',
  (given): given is string => typeof given === 'string' && given !== '',
);
export const anything: Datatype<unknown> = { expected: 'anything', read: (given) => given };

/** A type that is checked after its value has been parsed. */
export function parsed<T, Given>(parse: (given: Given) => unknown, type: Datatype<T>): Datatype<T, Given> {
  return { expected: type.expected, read: (given) => type.read(parse(given)) };
}

/**
 * Checks all options that are present. An option that is `undefined` counts as absent.
 *
 * @param path prefix of the names in messages, such as `tls.`
 * @throws KeepAliveError with `code` for an unknown option, or a value that is not of its type
 */
export function checkOptions<Options extends object>(
  code: ErrorCode,
  options: Options,
  types: OptionTypes<Options>,
  path = '',
): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(types, name)) {
      // An option that does nothing hides a mistake. Its value is not shown: it might be a password.
      const expected = oneOf(...Object.keys(types)).expected;
      throw invalidOption(code, 'Unknown option', expected, `${path}${name}`);
    }
    if (value !== undefined) readOption(code, `Option ${path}${name}`, types[name as keyof Options], value);
  }
}

/** Reads one value. @throws KeepAliveError with `code` if it is not of the type */
export function readOption<T, Given>(
  code: ErrorCode,
  label: string,
  type: Datatype<T, Given>,
  value: Given,
): T {
  const read = type.read(value);
  if (read === undefined) throw invalidOption(code, label, type.expected, value);
  return read;
}

export function invalidOption(
  code: ErrorCode,
  label: string,
  expected: string,
  value: unknown,
): KeepAliveError {
  return new KeepAliveError(code, mismatch(label, expected, value));
}

/** The message, for an error that is not a KeepAliveError. */
export function mismatch(label: string, expected: string, value: unknown): string {
  return `${label}: expected ${expected}; received ${receivedValue(value)}`;
}
