import { writeSync } from 'node:fs';
import { contain } from '../async/contain.js';
import { type LogLevel, type LogSink, levelValues } from './log-sink.js';
import { hostPinoSink, isPino, type PinoLogger, standardErrorSink } from './pino-sink.js';
import { type PlainLogger, plainSink } from './plain-sink.js';
import { redact, redactText } from './redaction.js';

/** The level names that a user may set, zLOG's and pino's, with pino's name for each. */
export const levelNames = {
  trace: 'trace',
  debug: 'debug',
  blather: 'blather',
  info: 'info',
  problem: 'warn',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  fatal: 'fatal',
  panic: 'panic',
  silent: 'silent',
} as const;

export type LevelName = keyof typeof levelNames;

/**
 * The agent's log. Its methods never throw: a broken logger must not stop the pings. A failure of the logger is reported once,
 * on standard error.
 */
export interface KeepAliveLog extends Readonly<Record<LogLevel, (fields: object, message: string) => void>> {
  /** Whether lines of that level are written; if not, they need not be built. */
  isEnabled(level: LogLevel): boolean;
}

export interface LogOptions {
  /**
   * The host's logger: pino (a child of it is used), winston, the console, or any object with the methods `debug`, `info`,
   * `warn` and `error` that take the fields and the message, as pino's do.
   */
  readonly logger?: PinoLogger | PlainLogger | undefined;
  /** The lowest level that is written. Default: the logger's own level, if it has one. */
  readonly level?: LevelName | undefined;
}

/**
 * Creates the agent's log. Without a logger of the host it goes to standard error, as JSON lines. It contains no credentials.
 *
 * @param lastResort called once, with a line to show, when the log cannot be written
 */
export function createLog({ logger, level }: LogOptions, lastResort = toStandardError): KeepAliveLog {
  let hasFailed = false;
  const failed = (error: unknown) => {
    if (hasFailed) return;
    hasFailed = true;
    lastResort(`zeo-keepalive cannot write its log: ${reasonInWords(error)}`);
  };
  const sink = createSink(logger, level, failed);
  const isEnabled = (line: LogLevel) => Boolean(contain(() => sink.isEnabled(line), failed));
  const write = (line: LogLevel) => (fields: object, message: string) => {
    if (!isEnabled(line)) return;
    contain(() => sink.write(line, redactFields(fields), redactText(message)), failed);
  };
  return {
    blather: write('blather'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    panic: write('panic'),
    isEnabled,
  };
}

function toStandardError(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // There is nowhere left to report it.
  }
}

/** Describes anything that may be thrown, on one line. */
function reasonInWords(error: unknown): string {
  try {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return redactText(text.slice(0, longestReason).replace(/\s+/g, ' '));
  } catch {
    return 'the error cannot be shown';
  }
}

/** Without the fields, if they cannot be read: the line still has its message. */
function redactFields(fields: object): Readonly<Record<string, unknown>> {
  try {
    return redact(fields) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

/** @throws TypeError if `logger` lacks a method; the message says what is expected */
export function checkLogger(logger: unknown): void {
  const methods = ['debug', 'info', 'warn', 'error'] as const;
  const isLogger =
    typeof logger === 'object' &&
    logger !== null &&
    methods.every((method) => typeof (logger as Partial<PlainLogger>)[method] === 'function');
  if (!isLogger) throw new TypeError(`a logger with the methods ${methods.join(', ')}`);
}

function createSink(
  logger: LogOptions['logger'],
  level: LevelName | undefined,
  failed: (error: unknown) => void,
): LogSink {
  if (logger === undefined) return standardErrorSink(atLeast(level ?? 'info'), failed);
  if (isPino(logger)) return hostPinoSink(logger, level && levelNames[level]);
  return plainSink(logger, level && atLeast(level));
}

/** Returns whether a line is of that level or above. */
function atLeast(level: LevelName): (line: LogLevel) => boolean {
  const threshold = thresholds[levelNames[level]];
  return (line) => levelValues[line] >= threshold;
}

const longestReason = 500;

const thresholds: Readonly<Record<(typeof levelNames)[LevelName], number>> = {
  ...levelValues,
  trace: 10,
  debug: 20,
  fatal: 60,
  silent: Infinity,
};
