import { ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';

/**
 * The error for a reply that does not have the shape that ZEO's own server gives it.
 *
 * @param expected the expected shape, e.g. `a transaction id`
 */
export function unexpectedReply(method: string, expected: string, reply: unknown): ProtocolError {
  return new ProtocolError(mismatch(`Unexpected reply to ${method}`, expected, reply));
}
