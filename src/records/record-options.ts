import { constants } from 'node:buffer';
import { checkOptions, numeric, type OptionTypes, oneOf } from '../model/option-check.js';
import { defaultMaxFrameBytes, maxValues } from '../pickle/limits.js';
import { type Python2Text, python2Texts } from './python2-strings.js';

/** How to decode a record, and its limits. A record over a limit is a `RecordError`. */
export interface RecordOptions {
  /** How to read Python 2's `str`. Default `ascii`. */
  readonly python2Text?: Python2Text;
  /** Maximum length of a record in bytes. Default 128 MiB, at most the maximum length of a string (half a GiB). */
  readonly maxBytes?: number;
  /**
   * How deep values may nest; consumers may therefore recurse. Default 1,000, which is Python's recursion limit, and so the
   * deepest that its own pickler gets.
   */
  readonly maxDepth?: number;
  /** Maximum number of values; an object or a dict counts as 8. Default 4,194,304, at most 16,777,216. */
  readonly maxValues?: number;
}

/** A JavaScript `Map` holds no more than 2^24 entries. */
const mostValues = 2 ** 24;

const types: OptionTypes<RecordOptions> = {
  python2Text: oneOf(...python2Texts),
  maxBytes: numeric({ least: 1, most: constants.MAX_STRING_LENGTH, unit: 'bytes', isWhole: true }),
  maxDepth: numeric({ least: 1, isWhole: true }),
  maxValues: numeric({ least: 1, most: mostValues, isWhole: true }),
};

/**
 * The options, checked and with their defaults.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function resolveRecordOptions(options: RecordOptions): Required<RecordOptions> {
  const resolved: Required<RecordOptions> = {
    python2Text: options.python2Text ?? 'ascii',
    maxBytes: options.maxBytes ?? defaultMaxFrameBytes,
    maxDepth: options.maxDepth ?? 1000,
    maxValues: options.maxValues ?? maxValues,
  };
  checkOptions('ERR_ZEO_INVALID_ARGUMENT', resolved, types);
  return resolved;
}
