import { longestSeconds, numeric, readOption } from './option-check.js';
import type { KeepAliveTarget } from './target.js';

/** Of a target whose `hangTimeout` is `'long'`: the longer of this and five timeouts. */
const leastLongMs = 30_000;
const timeoutsOfLong = 5;

/** Of a `hangTimeout` that is given as a number. */
export const hangTimeoutType = numeric({ least: 0.001, most: longestSeconds, unit: 'seconds' });

/** The settings that it follows from; durations in milliseconds. */
export interface HangSettings {
  readonly timeoutMs: number;
  /** `undefined`: each target has its own default. */
  readonly hangTimeoutMs: number | undefined;
}

/**
 * For how long a server may be silent after a ping that its host has acknowledged.
 *
 * @param hangTimeout as the target has it
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` if it is neither a number of seconds nor `'long'`
 */
export function hangTimeoutMs(hangTimeout: KeepAliveTarget['hangTimeout'], settings: HangSettings): number {
  const { timeoutMs } = settings;
  if (hangTimeout !== undefined && hangTimeout !== 'long') {
    const code = 'ERR_KEEPALIVE_INVALID_ARGUMENT';
    return Math.max(timeoutMs, readOption(code, 'Option hangTimeout', hangTimeoutType, hangTimeout) * 1000);
  }
  const defaultMs = hangTimeout === 'long' ? Math.max(leastLongMs, timeoutsOfLong * timeoutMs) : timeoutMs;
  return Math.max(timeoutMs, settings.hangTimeoutMs ?? defaultMs);
}
