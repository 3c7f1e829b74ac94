/** The agent's levels, by zLOG's names. */
export type LogLevel = 'blather' | 'info' | 'warn' | 'error' | 'panic';

/** zLOG's levels among pino's: BLATHER is below INFO, PANIC above FATAL. */
export const levelValues: Readonly<Record<LogLevel, number>> = {
  blather: 25,
  info: 30,
  warn: 40,
  error: 50,
  panic: 70,
};

/**
 * The original's name of its zLOG subsystem, in the field `subsystem` of each line. Not in `name`, where pino and bunyan put
 * the application's name.
 */
export const subsystem = 'ZEO KeepAlive';

/** Writes lines to one kind of logger. Both methods may throw what the logger throws. */
export interface LogSink {
  isEnabled(level: LogLevel): boolean;
  /**
   * @param fields may contain an error as `err`
   * @returns what the logger returned, which may be a promise
   */
  write(level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): unknown;
}
