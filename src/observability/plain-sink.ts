import { Console } from 'node:console';
import { type LogLevel, type LogSink, subsystem } from './log-sink.js';
import { errorFields } from './pino-sink.js';

type Write = (fields: object, message: string) => unknown;

/** A logger that is not pino: every method takes the fields and the message, as pino's do. */
export type PlainLogger = Readonly<Record<'debug' | 'info' | 'warn' | 'error', Write>>;

/** The methods to call for a line of each level, the most specific first. The last one always exists. */
const methodsFor: Readonly<Record<LogLevel, readonly string[]>> = {
  blather: ['blather', 'debug'],
  info: ['info'],
  warn: ['warn'],
  error: ['error'],
  panic: ['panic', 'fatal', 'error'],
};

/**
 * Writes to a logger of the host that is not pino. If it has no method with the level's name, the line has it as `severity`.
 *
 * @param isWanted decides by the level that the user set; if absent, the logger decides
 */
export function plainSink(logger: PlainLogger, isWanted?: (level: LogLevel) => boolean): LogSink {
  const methods = logger as unknown as Readonly<Record<string, unknown>>;
  const methodOf = (level: LogLevel) =>
    methodsFor[level].find((method) => typeof methods[method] === 'function') as string;
  const call = (method: string, ...args: unknown[]) =>
    (methods[method] as (...args: unknown[]) => unknown).apply(logger, args);
  const toArguments = argumentOrder(logger);
  return {
    isEnabled: isWanted ?? ((level) => isEnabled(logger, methodOf(level))),
    write(level, fields, message) {
      const method = methodOf(level);
      const severity = method === level ? {} : { severity: level };
      return call(method, ...toArguments({ subsystem, ...severity, ...fields }, message));
    },
  };
}

/** Returns the arguments in the order that this kind of logger expects. */
function argumentOrder(
  logger: PlainLogger,
): (fields: Readonly<Record<string, unknown>>, message: string) => unknown[] {
  if (logger instanceof Console) {
    // The error last, so that its stack is printed.
    return ({ err, ...fields }, message) => (err === undefined ? [message, fields] : [message, fields, err]);
  }
  // Winston would write an error as `{}`.
  if (isWinston(logger)) return (fields, message) => [message, { ...fields, err: errorFields(fields.err) }];
  return (fields, message) => [fields, message];
}

function isWinston(logger: object): boolean {
  return 'transports' in logger && 'format' in logger && 'log' in logger;
}

function isEnabled(logger: object, method: string): boolean {
  // The console has no level. Lines for each ping would flood the terminal.
  if (logger instanceof Console) return method !== 'debug';
  const { isLevelEnabled } = logger as { isLevelEnabled?: unknown };
  return typeof isLevelEnabled !== 'function' || isLevelEnabled.call(logger, method);
}
