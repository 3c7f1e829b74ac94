import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { isError } from '../model/errors.js';
import { type LogSink, levelValues, subsystem } from './log-sink.js';

/** What each line on standard error says about where it comes from. */
export const lineOrigin = () => ({ pid: process.pid, hostname: hostname(), subsystem });

/** How much may not have been written yet, in characters: a pipe is full when its reader is slow. */
export const maxUnwritten = 1024 * 1024;

/** Writes the lines that pino would write to standard error, in a bundle that has no pino. */
export function jsonSink(now: () => number): LogSink {
  const origin = lineOrigin();
  let unwritten = Buffer.alloc(0);
  return {
    isEnabled: () => true,
    write(level, fields, message) {
      const line = { level: levelValues[level], time: now(), ...origin, ...fields, msg: message };
      const bytes = Buffer.from(`${JSON.stringify(line, toJson)}\n`);
      if (unwritten.length + bytes.length <= maxUnwritten) unwritten = Buffer.concat([unwritten, bytes]);
      try {
        // Perhaps a part of it: the rest begins the next attempt, which is that of the next line.
        while (unwritten.length > 0) unwritten = unwritten.subarray(writeSync(2, unwritten));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
    },
  };
}

/** Not of the value: that of an error of this package is already what its `toJSON` returns. */
function toJson(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const given = this[key];
  if (typeof given === 'bigint') return String(given);
  return isError(given) ? plainError(given) : value;
}

/** What pino shows of an error and its causes, without its own properties but the code. */
export function plainError(error: Error): Readonly<Record<string, unknown>> {
  const chain: Error[] = [];
  for (let cause: unknown = error; isError(cause) && !chain.includes(cause); cause = cause.cause)
    chain.push(cause);
  const message = chain.map((cause) => cause.message).join(': ');
  const stack = chain.map((cause) => cause.stack).join('\ncaused by: ');
  return { type: error.name, message, stack, code: 'code' in error ? error.code : undefined };
}
