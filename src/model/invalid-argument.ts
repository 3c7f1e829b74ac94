import type { KeepAliveError } from './errors.js';
import { invalidOption, numeric, readOption } from './option-check.js';

const code = 'ERR_ZEO_INVALID_ARGUMENT';

/** Creates the `ERR_ZEO_INVALID_ARGUMENT` for an argument. */
export function invalidArgument(name: string, expected: string, value: unknown): KeepAliveError {
  return invalidOption(code, `Argument ${name}`, expected, value);
}

/**
 * Checks that an optional argument is an `AbortSignal`. By the members that are used, not by its class: some environments
 * have a class of their own.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const { aborted, addEventListener, throwIfAborted } = signal ?? {};
  if (typeof aborted === 'boolean' && isFunction(addEventListener) && isFunction(throwIfAborted)) return;
  throw invalidArgument('signal', 'an AbortSignal', signal);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for anything but an object */
export function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw invalidArgument(name, 'an object', value);
}

/**
 * Checks that an argument is a whole number, and returns it.
 *
 * @param least the smallest number allowed; any if absent
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function checkCount(name: string, value: unknown, least?: number): number {
  const type = numeric({ isWhole: true, ...(least !== undefined && { least }) });
  return readOption(code, `Argument ${name}`, type, value);
}
