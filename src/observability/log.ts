import { type Logger, pino } from 'pino';

/** zLOG's levels between those of pino: BLATHER is chattier than INFO, PANIC is worse than FATAL. */
const customLevels = { blather: 25, panic: 70 } as const;

/** The level names a user may give, zLOG's and pino's, and what pino calls them. */
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

type Write = (fields: object, message: string) => void;

/** What the agent writes its lines to. Never throws: a broken logger must not end the pings. */
export type KeepAliveLog = Readonly<Record<'blather' | 'info' | 'warn' | 'error' | 'panic', Write>>;

/** A logger that is not pino: every method takes the fields and the message, as pino's do. */
export type PlainLogger = Readonly<Record<'debug' | 'info' | 'warn' | 'error', Write>>;

export interface LogOptions {
  /** The host's own logger: pino (a child of it is used) or anything with pino's four plain methods. */
  readonly logger?: Logger | PlainLogger | undefined;
  /** For a pino logger of the host: its own level, unless this is given. */
  readonly level?: LevelName | undefined;
}

/** The subsystem, as the original named it in zLOG. */
const name = 'ZEO KeepAlive';

/**
 * The agent's log. Without a logger of the host it goes to standard error, as JSON lines: standard output belongs to the
 * host.
 */
export function createLog({ logger, level }: LogOptions): KeepAliveLog {
  const target =
    logger === undefined
      ? pino({ name, customLevels, level: levelNames[level ?? 'info'] }, pino.destination(2))
      : isPino(logger)
        ? childOf(logger, level)
        : fromPlain(logger);
  const contained =
    (method: keyof KeepAliveLog): Write =>
    (fields, message) => {
      try {
        target[method](fields, message);
      } catch {
        // There is no place left to say so.
      }
    };
  return {
    blather: contained('blather'),
    info: contained('info'),
    warn: contained('warn'),
    error: contained('error'),
    panic: contained('panic'),
  };
}

function isPino(logger: Logger | PlainLogger): logger is Logger {
  return 'child' in logger && typeof logger.child === 'function' && 'levels' in logger;
}

/** @throws TypeError for what is no logger */
export function checkLogger(logger: unknown): void {
  const methods = ['debug', 'info', 'warn', 'error'] as const;
  const isLogger =
    typeof logger === 'object' &&
    logger !== null &&
    methods.every((method) => typeof (logger as Partial<PlainLogger>)[method] === 'function');
  if (!isLogger) throw new TypeError(`a logger with the methods ${methods.join(', ')}`);
}

function childOf(logger: Logger, level: LevelName | undefined): KeepAliveLog {
  const known = logger.levels.values;
  const missing = Object.entries(customLevels).filter(([label]) => !(label in known));
  return logger.child(
    { name },
    {
      ...(missing.length > 0 && { customLevels: Object.fromEntries(missing) }),
      ...(level !== undefined && { level: levelNames[level] }),
    },
  ) as unknown as KeepAliveLog;
}

function fromPlain(logger: PlainLogger): KeepAliveLog {
  return {
    blather: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    panic: (fields, message) => logger.error(fields, message),
  };
}
