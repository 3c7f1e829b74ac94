import { invalidArgument } from './invalid-argument.js';

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
