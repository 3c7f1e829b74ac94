import { KeepAliveError } from './errors.js';
import { receivedValue } from './received-value.js';

/**
 * The error for an argument of a caller, `ERR_ZEO_INVALID_ARGUMENT`.
 *
 * @param what is wrong, as a beginning of a sentence: `The oid must be …`
 */
export function invalidArgument(what: string, value: unknown): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', `${what}, received ${receivedValue(value)}`);
}

/**
 * Refuses what is no `AbortSignal`. By what is used of one, not by its class: some environments have a class of their own.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const { aborted, addEventListener, throwIfAborted } = signal ?? {};
  if (typeof aborted === 'boolean' && isFunction(addEventListener) && isFunction(throwIfAborted)) return;
  throw invalidArgument('The signal must be an AbortSignal', signal);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for what is no object that can have properties */
export function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null)
    throw invalidArgument(`The ${name} must be an object`, value);
}

/**
 * A whole number that a caller passed.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function checkCount(name: string, value: unknown, smallest = 0): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= smallest) return value;
  const what = smallest < 0 ? 'a whole number' : `a whole number from ${smallest}`;
  throw invalidArgument(`${name} must be ${what}`, value);
}
