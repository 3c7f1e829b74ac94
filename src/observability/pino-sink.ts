import { createRequire } from 'node:module';
import type { LevelWithSilent, Logger, pino as Pino } from 'pino';
import { contain } from '../async/contain.js';
import { isError } from '../model/errors.js';
import { jsonSink, lineOrigin, maxUnwritten, plainError } from './json-sink.js';
import { type LogLevel, type LogSink, levelValues, subsystem } from './log-sink.js';

export type PinoLogger = Logger;
export type PinoLevel = LevelWithSilent | 'blather' | 'panic';

const customLevels = { blather: levelValues.blather, panic: levelValues.panic };

let loadedPino: { readonly pino: typeof Pino | undefined } | undefined;

/** Loads pino when it is first needed: that takes as long as all of the agent's own code. A bundle may be without it. */
function loadPino(): typeof Pino | undefined {
  loadedPino ??= {
    pino: contain(
      () => createRequire(import.meta.url)('pino') as typeof Pino,
      () => {},
    ),
  };
  return loadedPino.pino;
}

/** How long lines may wait for the logger. */
const longestWaitMs = 200;

/**
 * Writes to standard error with a logger of its own: standard output belongs to the host.
 *
 * The logger is created with the first warning, or a while after the first line: the agent's start makes one, and the
 * application's start need not wait for pino. What waits is written when the process exits; a signal that ends it at once loses it.
 *
 * @param failed called with what is thrown when lines are written that have waited
 */
export function standardErrorSink(
  isWanted: (level: LogLevel) => boolean,
  failed: (error: unknown) => void,
): LogSink {
  let sink: LogSink | undefined;
  let waiting: { readonly atMs: number; readonly line: Parameters<LogSink['write']> }[] = [];
  const create = () => {
    if (sink !== undefined) return sink;
    process.off('exit', flush);
    const lines = waiting;
    waiting = [];
    let waitedSinceMs: number | undefined;
    const now = () => waitedSinceMs ?? Date.now();
    const pino = loadPino();
    sink = pino === undefined ? jsonSink(now) : pinoSink(standardErrorLogger(pino, now));
    for (const { atMs, line } of lines) {
      waitedSinceMs = atMs;
      sink.write(...line);
    }
    waitedSinceMs = undefined;
    return sink;
  };
  const flush = () => void contain(create, failed);
  return {
    isEnabled: isWanted,
    write(level, fields, message) {
      if (sink !== undefined || levelValues[level] > levelValues.info || isExiting())
        return create().write(level, fields, message);
      if (waiting.length === 0) {
        setTimeout(flush, longestWaitMs).unref();
        process.once('exit', flush);
      }
      waiting.push({ atMs: Date.now(), line: [level, fields, message] });
      return undefined;
    },
  };
}

/** Listeners that are added during `exit` are not called. */
function isExiting(): boolean {
  return (process as { readonly _exiting?: boolean })._exiting === true;
}

function standardErrorLogger(pino: typeof Pino, now: () => number) {
  // On a full disk pino would retry forever to write its buffer when the process ends, and the process would not end. So each
  // line is written at once; a line that cannot be written is kept for the next attempt, up to the maximum.
  const destination = { dest: 2, sync: true, maxLength: maxUnwritten, retryEAGAIN: () => false };
  const timestamp = () => `,"time":${now()}`;
  return pino(
    { base: lineOrigin(), customLevels, timestamp, level: 'blather' },
    pino.destination(destination),
  );
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
  if (!isError(error)) return error;
  const serialize = loadPino()?.stdSerializers.err ?? plainError;
  // Copied, since pino's object also refers to the error itself.
  return { ...serialize(error) };
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
