import { hostname } from 'node:os';
import { type LevelWithSilent, type Logger, pino } from 'pino';
import { isError } from '../model/errors.js';
import { type LogLevel, type LogSink, levelValues, subsystem } from './log-sink.js';

export type PinoLogger = Logger;
export type PinoLevel = LevelWithSilent | 'blather' | 'panic';

/** The maximum length of lines that could not be written yet, in characters. */
const maxUnwritten = 1024 * 1024;

const customLevels = { blather: levelValues.blather, panic: levelValues.panic };

/**
 * Writes to standard error with a logger of its own: standard output belongs to the host.
 *
 * The logger is created with the first line, since that takes half as long as starting the agent and often there is no line.
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
  // On a full disk pino would retry forever to write its buffer when the process ends, and the process would not end. So each
  // line is written at once; a line that cannot be written is kept for the next attempt, up to the maximum.
  const destination = { dest: 2, sync: true, maxLength: maxUnwritten, retryEAGAIN: () => false };
  return pino({ base, customLevels, level: 'blather' }, pino.destination(destination));
}

/** Writes to a child of the host's pino logger. @param level the child's level; the logger's own if `undefined` */
export function hostPinoSink(logger: PinoLogger, level: PinoLevel | undefined): LogSink {
  const { labels, values } = logger.levels;
  // Levels that the host's logger has, under this name or with this value, stay as they are.
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

/** An error as the plain object that pino writes: type, message and stack including its causes, and its properties. */
export function errorFields(error: unknown): unknown {
  // Copied, since pino's object also refers to the error itself.
  return isError(error) ? { ...pino.stdSerializers.err(error) } : error;
}

function pinoSink<Level extends string>(given: Logger<Level>): LogSink {
  // By pino's types a logger with custom levels is not assignable to one without.
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
