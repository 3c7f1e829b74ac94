import { constants } from 'node:buffer';
import { KeepAliveError } from '../model/errors.js';
import { receivedValue } from '../model/received-value.js';
import { defaultMaxFrameBytes, maxValues } from '../pickle/limits.js';
import { type Python2Text, python2Texts } from './python2-strings.js';

/** How to decode a record, and how much of it to take. What is over a limit is a `RecordError`. */
export interface RecordOptions {
  /** What becomes of Python 2's `str`. Default `ascii`. */
  readonly python2Text?: Python2Text;
  /** The length of a record in bytes. Default 128 MiB, at most what a string may have (half a GiB). */
  readonly maxBytes?: number;
  /**
   * How deep values may nest, where each is first met; consumers may therefore recurse. Default 1,000: Python's own pickler
   * does not get deeper, as its recursion limit is 1,000.
   */
  readonly maxDepth?: number;
  /** How many values there may be; an object or a dict counts as 8. Default 4,194,304, at most 16,777,216. */
  readonly maxValues?: number;
}

/** A JavaScript `Map` holds no more than 2^24 entries. */
const mostValues = 2 ** 24;

/**
 * Every option, with its default where there was none.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function resolveOptions(options: RecordOptions): Required<RecordOptions> {
  const { python2Text = 'ascii', maxDepth = 1000 } = options;
  if (!python2Texts.includes(python2Text))
    refuse('python2Text', `one of ${python2Texts.join(', ')}`, python2Text);
  return {
    python2Text,
    maxBytes: limit('maxBytes', options.maxBytes ?? defaultMaxFrameBytes, constants.MAX_STRING_LENGTH),
    maxDepth: limit('maxDepth', maxDepth, Number.MAX_SAFE_INTEGER),
    maxValues: limit('maxValues', options.maxValues ?? maxValues, mostValues),
  };
}

function limit(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  return refuse(name, `an integer from 1 to ${most}`, value);
}

function refuse(name: string, accepted: string, value: unknown): never {
  throw new KeepAliveError(
    'ERR_ZEO_INVALID_ARGUMENT',
    `The option ${name} must be ${accepted}, received ${receivedValue(value)}`,
  );
}
