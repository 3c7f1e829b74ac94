/**
 * Time in which this process's main loop ran, which is what the promised bounds count.
 *
 * A timer fires every few milliseconds. The time by which it is late is time in which nothing could have been noticed,
 * whatever the reason: another process had the core, or the loop was blocked on purpose.
 */
const tickMs = 10;
/** Lateness that is normal on any machine. */
const toleratedMs = 15;

let stalledMs = 0;
let worstMs = 0;
let lastTickMs = performance.now();

const currentStallMs = (nowMs: number) => {
  const lateMs = nowMs - lastTickMs - tickMs;
  return lateMs > toleratedMs ? lateMs : 0;
};

setInterval(() => {
  const nowMs = performance.now();
  const stallMs = currentStallMs(nowMs);
  stalledMs += stallMs;
  worstMs = Math.max(worstMs, stallMs);
  lastTickMs = nowMs;
}, tickMs).unref();

/** How long the main loop has been stalled since the process began, up to now. */
export function totalStalledMs(): number {
  return stalledMs + currentStallMs(performance.now());
}

/** The longest single stall since the last call: how late the peers in this process were. */
export function takeWorstStallMs(): number {
  const taken = worstMs;
  worstMs = 0;
  return taken;
}

/** In milliseconds; pauses while the loop is stalled. */
export function turningNow(): number {
  return performance.now() - totalStalledMs();
}

/** A moment of the system's monotonic clock, which all processes of a machine share. In milliseconds. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Polls a condition and resolves when it holds.
 *
 * @throws Error if it does not within `withinMs` of turning time; `what` names what was expected
 */
export async function until(
  condition: () => boolean,
  withinMs: number,
  what: string | (() => string),
): Promise<void> {
  const endMs = turningNow() + withinMs;
  while (!condition()) {
    if (turningNow() > endMs) {
      throw new Error(`Expected within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
