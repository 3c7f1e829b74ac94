import { Console } from 'node:console';
import { type LogLevel, type LogSink, subsystem } from './log-sink.js';
import { errorFields } from './pino-sink.js';

type Write = (fields: object, message: string) => unknown;

/** A logger that is not pino: every method takes the fields and the message, as pino's do. */
export type PlainLogger = Readonly<Record<'debug' | 'info' | 'warn' | 'error', Write>>;

/** The methods that a line of a level is for, the fittest first. The last one is there. */
const methodsFor: Readonly<Record<LogLevel, readonly string[]>> = {
  blather: ['blather', 'debug'],
  info: ['info'],
  warn: ['warn'],
  error: ['error'],
  panic: ['panic', 'fatal', 'error'],
};

/**
 * Writes to a logger of the host that is not pino. Where it has no method of a level's own name, the name is a field.
 *
 * @param isWanted by the level that the user gave, if there is one; then the logger is not asked
 */
export function plainSink(logger: PlainLogger, isWanted?: (level: LogLevel) => boolean): LogSink {
  const methods = logger as unknown as Readonly<Record<string, unknown>>;
  const methodOf = (level: LogLevel) =>
    methodsFor[level].find((method) => typeof methods[method] === 'function') as string;
  const call = (method: string, ...args: unknown[]) =>
    (methods[method] as (...args: unknown[]) => unknown).apply(logger, args);
  const arrange = argumentsFor(logger);
  return {
    isEnabled: isWanted ?? ((level) => isEnabled(logger, methodOf(level))),
    write(level, fields, message) {
      const method = methodOf(level);
      const severity = method === level ? {} : { severity: level };
      return call(method, ...arrange({ subsystem, ...severity, ...fields }, message));
    },
  };
}

/** In which manner this kind of logger wants to be called. */
function argumentsFor(
  logger: PlainLogger,
): (fields: Readonly<Record<string, unknown>>, message: string) => unknown[] {
  if (logger instanceof Console) {
    // Last, so that its stack is printed as a stack.
    return ({ err, ...fields }, message) => (err === undefined ? [message, fields] : [message, fields, err]);
  }
  // What it writes as JSON would of an error be `{}`.
  if (isWinston(logger)) return (fields, message) => [message, { ...fields, err: errorFields(fields.err) }];
  return (fields, message) => [fields, message];
}

function isWinston(logger: object): boolean {
  return 'transports' in logger && 'format' in logger && 'log' in logger;
}

function isEnabled(logger: object, method: string): boolean {
  // The console has no level; what is for each ping is not for everybody's terminal.
  if (logger instanceof Console) return method !== 'debug';
  const { isLevelEnabled } = logger as { isLevelEnabled?: unknown };
  return typeof isLevelEnabled !== 'function' || isLevelEnabled.call(logger, method);
}
