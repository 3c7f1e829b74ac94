import { type ErrorCode, KeepAliveError } from '../model/errors.js';
import { printable } from '../model/printable.js';
import type { Position } from './document.js';

export type ConfigErrorCode = Extract<ErrorCode, `ERR_ZCONFIG_${string}`>;

export interface ConfigErrorDetails {
  /** What would be valid there; follows the word “expected”. */
  readonly expected: string;
  /** What is there instead. Never a line or a value of unknown meaning: it may be a password. */
  readonly found?: string | undefined;
  readonly cause?: unknown;
}

/** A configuration file that cannot be read or understood: where, and what was expected there. */
export class ConfigError extends KeepAliveError {
  declare readonly code: ConfigErrorCode;
  readonly file: string;
  /** Counted from 1. Absent if the error concerns the file as a whole. */
  readonly line: number | undefined;
  /** What would be valid there; follows the word “expected”. */
  readonly expected: string;

  constructor(
    code: ConfigErrorCode,
    { file, line }: { file: string; line?: number | undefined },
    { expected, found, ...options }: ConfigErrorDetails,
  ) {
    const place = line === undefined ? file : `${file}:${line}`;
    const message = `${place}: Expected ${expected}${found === undefined ? '' : `, found ${found}`}`;
    super(code, printable(message), options);
    this.file = file;
    this.line = line;
    this.expected = expected;
  }

  static syntax(at: Position, expected: string, found?: string): ConfigError {
    return new ConfigError('ERR_ZCONFIG_SYNTAX', at, { expected, found });
  }
}

/**
 * A section's type or name for a message, or `otherwise` if it does not look like one: the lines of a file that is not a
 * configuration must not be shown.
 */
export function plainly(word: string, otherwise: string): string {
  return /^[a-z][-._a-z0-9]{0,39}$/i.test(word) ? word : otherwise;
}
