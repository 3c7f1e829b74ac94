/**
 * TCP's keep-alive probes, which show that an idle connection is dead: without them nothing is sent that could stay
 * unacknowledged.
 *
 * Rules:
 * - Switched on where the application has them off, or later than the period; what it set shorter stays, and they are never
 *   switched off again.
 * - What it set is read from the two fields in which `Socket#setKeepAlive` keeps it (Node 20 to 26), never written. The other
 *   ways were to wrap `setKeepAlive` for the whole process, or to ask the kernel, for which Node has nothing.
 */
import { Socket } from 'node:net';

/** Longest period for which a probe is sent once a period; above, twice, so that the second one still falls into it. */
const longestSinglePeriodMs = 10_000;

/** The delay before the first probe, in milliseconds: whole seconds, as all that Node hands to the system, and never none. */
export function probeDelayMs(periodMs: number): number {
  const delayMs = periodMs > longestSinglePeriodMs ? periodMs / 2 : periodMs;
  return Math.max(1, Math.floor(delayMs / 1000)) * 1000;
}

/** Node's own fields by their descriptions; `interval` and `count` exist since 24.21 and 26.12, once they were set. */
const fieldNames = {
  enabled: 'kSetKeepAlive',
  delay: 'kSetKeepAliveInitialDelay',
  interval: 'kSetKeepAliveInterval',
  count: 'kSetKeepAliveCount',
} as const;

type FieldName = keyof typeof fieldNames;
type Fields = Readonly<Record<symbol, unknown>>;

/** They are the same for all sockets. */
const fields = findFields();

function findFields(): Readonly<Record<FieldName, symbol | undefined>> {
  // It never connects. Without a handle, the call only stores what it was given.
  const sample = new Socket();
  sample.setKeepAlive(true, 1000);
  const symbols = Object.getOwnPropertySymbols(sample);
  const find = (name: FieldName) => symbols.find(({ description }) => description === fieldNames[name]);
  return {
    enabled: find('enabled'),
    delay: find('delay'),
    interval: find('interval'),
    count: find('count'),
  };
}

/** `false` for a Node that keeps the setting elsewhere: probes are then left as the application has them. */
export const canReadKeepAlive = fields.enabled !== undefined && fields.delay !== undefined;

/** When a socket's first probe goes out after the last byte, in seconds; `Infinity` when its probes are off. */
export function probeDelaySeconds(socket: Socket): number {
  if (fields.enabled === undefined || fields.delay === undefined) return Number.NaN;
  const state = socket as unknown as Fields;
  const delay = state[fields.delay];
  // Zero leaves the system's own delay, two hours by default.
  return state[fields.enabled] === true && typeof delay === 'number' && delay > 0 ? delay : Infinity;
}

/**
 * Switches a socket's probes on, unless they already come at least once a period. To be called again from time to time, as a
 * client may set its own after it connected (ioredis sets 30 s). Unchanged, it costs the read of two fields.
 */
export function ensureProbes(socket: Socket, periodMs: number): void {
  // NaN, when it cannot be read, is not later either.
  if (!(probeDelaySeconds(socket) * 1000 > Math.max(1000, periodMs))) return;
  const initialDelay = probeDelayMs(periodMs);
  const state = socket as unknown as Fields;
  const interval = fields.interval && state[fields.interval];
  const count = fields.count && state[fields.count];
  if (interval === undefined && count === undefined) {
    socket.setKeepAlive(true, initialDelay);
    return;
  }
  // What the application set beside the delay would be reset by a call without it.
  const intervalMs = typeof interval === 'number' ? interval * 1000 : undefined;
  const options: KeepAliveSocketOptions = { enable: true, initialDelay, interval: intervalMs, count };
  (socket.setKeepAlive as unknown as (options: KeepAliveSocketOptions) => Socket)(options);
}

/** Of `Socket#setKeepAlive` in the versions that have it. */
interface KeepAliveSocketOptions {
  readonly enable: boolean;
  readonly initialDelay: number;
  readonly interval: number | undefined;
  readonly count: unknown;
}
