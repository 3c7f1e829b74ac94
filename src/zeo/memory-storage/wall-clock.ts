/**
 * A clock as `Date.now`, but with the fraction of a millisecond, as Python's `time.time()` has it: ids of transactions are
 * compared with that.
 *
 * @param wall whole milliseconds since 1970, rounded down; it may be set at any time.
 * @param steady milliseconds since whenever, with a fraction; it runs on evenly.
 */
export function fineWallClock(
  wall: () => number = Date.now,
  steady: () => number = () => performance.now(),
): () => number {
  let offsetMs = performance.timeOrigin;
  return () => {
    const wholeMs = wall();
    const steadyMs = steady();
    // Within the millisecond that the wall clock shows, or as near to it as possible; from then on it stays near.
    const nowMs = Math.min(Math.max(steadyMs + offsetMs, wholeMs), wholeMs + 0.999);
    offsetMs = nowMs - steadyMs;
    return nowMs;
  };
}

/** One for all storages, so that their transactions are in the right order as well. */
export const systemWallClock = fineWallClock();
