import { KeepAliveError } from '../errors.js';
import { receivedValue } from './received-value.js';

/**
 * The error for an argument of a caller, `ERR_ZEO_INVALID_ARGUMENT`.
 *
 * @param what is wrong, as a beginning of a sentence: `The oid must be …`
 */
export function invalidArgument(what: string, value: unknown): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', `${what}, received ${receivedValue(value)}`);
}

/** @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for what is no object that can have properties */
export function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null)
    throw invalidArgument(`The ${name} must be an object`, value);
}
