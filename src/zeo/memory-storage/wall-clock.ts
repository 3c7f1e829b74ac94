/**
 * A clock like `Date.now` but with fractions of a millisecond, as Python's `time.time()`, with which transaction ids are
 * compared.
 *
 * @param wall whole milliseconds since 1970, rounded down; it may be set at any time.
 * @param steady monotonic milliseconds with a fraction, from any start.
 */
export function fineWallClock(
  wall: () => number = Date.now,
  steady: () => number = () => performance.now(),
): () => number {
  let offsetMs = performance.timeOrigin;
  return () => {
    const wholeMs = wall();
    const steadyMs = steady();
    // Kept within the millisecond that the wall clock shows.
    const nowMs = Math.min(Math.max(steadyMs + offsetMs, wholeMs), wholeMs + 0.999);
    offsetMs = nowMs - steadyMs;
    return nowMs;
  };
}

/** One for all storages, so that their transactions are ordered as well. */
export const systemWallClock = fineWallClock();
