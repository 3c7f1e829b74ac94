/** The agent's levels, by zLOG's names. */
export type LogLevel = 'blather' | 'info' | 'warn' | 'error' | 'panic';

/** zLOG's levels among those of pino: BLATHER is chattier than INFO, PANIC is worse than FATAL. */
export const levelValues: Readonly<Record<LogLevel, number>> = {
  blather: 25,
  info: 30,
  warn: 40,
  error: 50,
  panic: 70,
};

/**
 * The subsystem, as the original named it in zLOG; a field of that name in each line. Not `name`, which is the host's: pino and
 * bunyan put the application's there.
 */
export const subsystem = 'ZEO KeepAlive';

/** Where lines go: one kind of logger, in its own manner. Both methods may throw what a host's logger throws. */
export interface LogSink {
  isEnabled(level: LogLevel): boolean;
  /**
   * @param fields may have an error as `err`
   * @returns what the logger returned, which may be a promise
   */
  write(level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): unknown;
}
