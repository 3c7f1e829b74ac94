import { hostname } from 'node:os';
import { type LevelWithSilent, type Logger, pino } from 'pino';
import { isError } from '../model/errors.js';
import { type LogLevel, type LogSink, levelValues, subsystem } from './log-sink.js';

export type PinoLogger = Logger;
export type PinoLevel = LevelWithSilent | 'blather' | 'panic';

/** Characters of lines that could not be written yet. */
const mostUnwritten = 1024 * 1024;

const customLevels = { blather: levelValues.blather, panic: levelValues.panic };

/**
 * A logger of its own, on standard error: standard output belongs to the host.
 *
 * It is made with the first line, which where nothing goes wrong never comes: that would be half of what a start takes.
 */
export function standardErrorSink(isWanted: (level: LogLevel) => boolean): LogSink {
  let sink: LogSink | undefined;
  return {
    isEnabled: isWanted,
    write(level, fields, message) {
      sink ??= pinoSink(standardErrorLogger());
      return sink.write(level, fields, message);
    },
  };
}

function standardErrorLogger() {
  const base = { pid: process.pid, hostname: hostname(), subsystem };
  // What pino writes by itself at the end of a process it would, on a full disk, try to write for good: the process would
  // not end. So each line is written at once; one that cannot be is kept for the next attempt, while there is room.
  const destination = { dest: 2, sync: true, maxLength: mostUnwritten, retryEAGAIN: () => false };
  return pino({ base, customLevels, level: 'blather' }, pino.destination(destination));
}

/** A child of the host's logger. */
export function hostPinoSink(logger: PinoLogger, level: PinoLevel | undefined): LogSink {
  const { labels, values } = logger.levels;
  // A level that the host has, under this name or another, stays as it is.
  const missing = Object.entries(customLevels).filter(
    ([label, value]) => !(label in values || value in labels),
  );
  const options = {
    ...(missing.length > 0 && { customLevels: Object.fromEntries(missing) }),
    ...(level !== undefined && { level }),
  };
  return pinoSink(logger.child({ subsystem }, options));
}

export function isPino(logger: object): logger is PinoLogger {
  const { child, isLevelEnabled, levels } = logger as Partial<PinoLogger>;
  return (
    typeof child === 'function' && typeof isLevelEnabled === 'function' && typeof levels?.values === 'object'
  );
}

/** An error as a plain object, as pino writes it: class, message and stack with those of its causes, and properties. */
export function errorFields(error: unknown): unknown {
  // Spread, since what pino makes of an error also holds the error itself.
  return isError(error) ? { ...pino.stdSerializers.err(error) } : error;
}

function pinoSink<Level extends string>(given: Logger<Level>): LogSink {
  // Pino's types do not let a logger with levels of its own pass for one without.
  const logger = given as unknown as PinoLogger;
  const { labels, values } = logger.levels;
  const methodOf = {} as Record<LogLevel, 'info'>;
  for (const [level, value] of Object.entries(levelValues)) {
    methodOf[level as LogLevel] = (level in values ? level : labels[value]) as 'info';
  }
  return {
    isEnabled: (level) => logger.isLevelEnabled(methodOf[level]),
    write: (level, fields, message) => logger[methodOf[level]](fields, message),
  };
}
