/**
 * Time in which this process's main loop turned: what the promised bounds are counted in.
 *
 * A timer looks every few milliseconds. What it is late by was time in which nothing could have been noticed, however
 * the machine came to deny it: another process had the core, or the loop was blocked on purpose.
 */
const tickMs = 10;
/** Lateness that any machine has. */
const toleratedMs = 15;

let stoodStillMs = 0;
let worstMs = 0;
let lastTickMs = performance.now();

const standingMs = (nowMs: number) => {
  const lateMs = nowMs - lastTickMs - tickMs;
  return lateMs > toleratedMs ? lateMs : 0;
};

setInterval(() => {
  const nowMs = performance.now();
  const stoodMs = standingMs(nowMs);
  stoodStillMs += stoodMs;
  worstMs = Math.max(worstMs, stoodMs);
  lastTickMs = nowMs;
}, tickMs).unref();

/** For how long the main loop has stood still since the process began, up to this very moment. */
export function totalStandstillMs(): number {
  return stoodStillMs + standingMs(performance.now());
}

/** The longest that it stood still in one go since this was last asked: so late were the peers that live in this process. */
export function takeWorstStandstillMs(): number {
  const taken = worstMs;
  worstMs = 0;
  return taken;
}

/** In milliseconds; stands still while the loop does. */
export function turningNow(): number {
  return performance.now() - totalStandstillMs();
}

/** A moment of the system's monotonic clock, which all processes of a machine share. In milliseconds. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Resolves when the condition holds, looking again and again.
 *
 * @throws Error when it does not within so many milliseconds of a turning loop; `what` says what was waited for
 */
export async function until(
  condition: () => boolean,
  withinMs: number,
  what: string | (() => string),
): Promise<void> {
  const endMs = turningNow() + withinMs;
  while (!condition()) {
    if (turningNow() > endMs) {
      throw new Error(`Not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
