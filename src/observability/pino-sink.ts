import { type LevelWithSilent, type Logger, pino } from 'pino';
import { type LogLevel, type LogSink, levelValues, subsystem } from './log-sink.js';

export type PinoLogger = Logger;
export type PinoLevel = LevelWithSilent | 'blather' | 'panic';

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
      const options = { name: subsystem, customLevels, level: 'blather' } as const;
      sink ??= pinoSink(pino(options, pino.destination(2)));
      sink.write(level, fields, message);
    },
  };
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
  return pinoSink(logger.child({ name: subsystem }, options));
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
  return error instanceof Error ? { ...pino.stdSerializers.err(error) } : error;
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
