import type { PluginState } from '../io/exit-code.js';
import { formatDuration } from '../io/format.js';
import type { Figure } from './perfdata.js';

/** For how long one commit may hold the lock of its storage, in milliseconds, before the state is a warning or critical. */
export interface LockThresholds {
  readonly lockWarningMs: number;
  readonly lockCriticalMs: number;
}

/** What is wrong, as the rest of a sentence. */
export interface Problem {
  readonly state: PluginState;
  readonly what: string;
}

/**
 * Judges the commit lock of a storage by its status (`lock_time`, `waiting`): while one client holds it, no other can write. ZEO
 * itself may leave it so after a `transaction-timeout`, until it is restarted.
 *
 * `lock_time` is the server's clock: with clocks that differ the duration is off by as much.
 *
 * @param report what the server says of the storage (`ZEO/StorageServer.py: server_status`)
 * @param which begins the sentence, such as `its storage "1"`
 */
export function judgeLock(
  report: { readonly [name: string]: unknown },
  which: string,
  { lockWarningMs, lockCriticalMs }: LockThresholds,
  nowMs = Date.now(),
): Problem | undefined {
  const heldMs = lockHeldMs(report, nowMs);
  if (heldMs === undefined || heldMs <= lockWarningMs) return undefined;
  const { waiting: waiters } = report;
  const waiting = Number(waiters);
  const others = waiting > 0 ? `; ${waiting} ${waiting === 1 ? 'other waits' : 'others wait'}` : '';
  return {
    state: heldMs > lockCriticalMs ? 'CRITICAL' : 'WARNING',
    what: `one commit has held the lock of ${which} for ${formatDuration(heldMs)}${others}`,
  };
}

/** The same as a figure, in seconds. */
export function lockFigure(
  report: { readonly [name: string]: unknown },
  label: string,
  { lockWarningMs, lockCriticalMs }: LockThresholds,
  nowMs = Date.now(),
): Figure {
  const value = (lockHeldMs(report, nowMs) ?? 0) / 1000;
  return { label, value, unit: 's', warning: lockWarningMs / 1000, critical: lockCriticalMs / 1000 };
}

function lockHeldMs(
  { lock_time: since }: { readonly [name: string]: unknown },
  nowMs: number,
): number | undefined {
  return typeof since === 'number' && Number.isFinite(since) ? Math.max(0, nowMs - since * 1000) : undefined;
}
