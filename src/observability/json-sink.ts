import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { isError } from '../model/errors.js';
import { type LogSink, levelValues, subsystem } from './log-sink.js';

/** What each line on standard error says about where it comes from. */
export const lineOrigin = () => ({ pid: process.pid, hostname: hostname(), subsystem });

/** Writes the lines that pino would write to standard error, in a bundle that has no pino. */
export function jsonSink(now: () => number): LogSink {
  const origin = lineOrigin();
  return {
    isEnabled: () => true,
    write(level, fields, message) {
      const line = { level: levelValues[level], time: now(), ...origin, ...fields, msg: message };
      writeSync(2, `${JSON.stringify(line, toJson)}\n`);
    },
  };
}

function toJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return isError(value) ? plainError(value) : value;
}

/** What pino shows of an error, without its own properties but the code. */
export function plainError(error: Error): Readonly<Record<string, unknown>> {
  const { name: type, message, stack, cause } = error;
  const code = 'code' in error ? error.code : undefined;
  return { type, message, stack, code, ...(isError(cause) && { cause: cause.message }) };
}
