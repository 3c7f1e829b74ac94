import assert from 'node:assert/strict';
import { type ErrorCode, ProtocolError } from '#src/model/errors.js';

/** Asserts that a call throws ProtocolError with a code and, if given, a message. */
export function expectFault(call: () => unknown, code: ErrorCode, message: RegExp = /./): ProtocolError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof ProtocolError, `Not a ProtocolError: ${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return error;
  }
  return assert.fail('Nothing was thrown');
}

/** The value, or `undefined` for a ProtocolError; any other exception fails the test. */
export function valueOrFault<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
