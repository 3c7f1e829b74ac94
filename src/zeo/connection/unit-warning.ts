import { type LikelySeconds, unlikelySeconds } from '../../model/unlikely-seconds.js';
import type { ClientStorageOptions } from './options.js';

/** Beyond these a duration was most likely meant in milliseconds, or it ends before any server can answer. */
const likely = {
  waitTimeout: { least: 0.01, most: 3600 },
  connectTimeout: { least: 0.01, most: 600 },
  reconnectMinDelay: { most: 3600 },
  reconnectMaxDelay: { most: 3600 },
} as const satisfies Partial<Record<keyof ClientStorageOptions, LikelySeconds>>;

const warned = new Set<string>();

/** Warns the process of durations that are most likely in the wrong unit, once of each option: a storage has no log. */
export function warnOfUnits(options: ClientStorageOptions): void {
  for (const [name, range] of Object.entries(likely)) {
    const seconds = options[name as keyof typeof likely];
    // Zero is not a duration but "not at all".
    if (seconds === undefined || seconds === 0 || warned.has(name)) continue;
    const message = unlikelySeconds(`The option ${name}`, seconds, range);
    if (message === undefined) continue;
    warned.add(name);
    process.emitWarning(message, { type: 'ZeoUnitWarning', code: 'ZEO_KEEPALIVE_UNIT' });
  }
}
