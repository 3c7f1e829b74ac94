import { type LikelySeconds, unlikelySeconds } from '../../model/unlikely-seconds.js';
import type { ClientStorageOptions } from './options.js';

/** Likely ranges in seconds: more was most likely meant in milliseconds, and less is too short for any server. */
const likely = {
  waitTimeout: { least: 0.01, most: 3600 },
  connectTimeout: { least: 0.01, most: 600 },
  reconnectMinDelay: { most: 3600 },
  reconnectMaxDelay: { most: 3600 },
} as const satisfies Partial<Record<keyof ClientStorageOptions, LikelySeconds>>;

const warned = new Set<string>();

/** Emits a process warning for each duration that is most likely in the wrong unit, once per option: a storage has no log. */
export function warnOfUnits(options: ClientStorageOptions): void {
  for (const [name, range] of Object.entries(likely)) {
    const seconds = options[name as keyof typeof likely];
    // Zero means "not at all".
    if (seconds === undefined || seconds === 0 || warned.has(name)) continue;
    const message = unlikelySeconds(`The option ${name}`, seconds, range);
    if (message === undefined) continue;
    warned.add(name);
    process.emitWarning(message, { type: 'ZeoUnitWarning', code: 'ZEO_KEEPALIVE_UNIT' });
  }
}
