import { uptime } from 'node:os';

/** Time as the loop sees it; tests put their own in its place. */
export interface Clock {
  /** Milliseconds of a monotonic clock: it never jumps, and stands still while the machine is suspended. */
  now(): number;
  /**
   * How long the machine has been suspended, in milliseconds since it was started: `now()` does not count that. Not
   * more precise than to a second, as some systems count their uptime.
   */
  suspendedMs(): number;
  /** Calls `callback` once after `delayMs`; returns a function that calls it off. */
  schedule(callback: () => void, delayMs: number): () => void;
}

const mostReadings = 100;
/** Between two threads whose clocks differ by no more than this, nobody is judged too early. */
const goodReadingMs = 0.01;

/**
 * How far one clock is ahead of another, which run alike. On a busy machine the thread may lose the processor between
 * reading the one and the other, for a tenth of a second and more: the reading with the least time in between counts.
 */
export function clockOffsetMs(ahead: () => number, behind: () => number): number {
  let leastMs = Infinity;
  let offsetMs = 0;
  for (let readings = 0; readings < mostReadings && leastMs > goodReadingMs; readings++) {
    const beforeMs = behind();
    const atMs = ahead();
    const betweenMs = behind() - beforeMs;
    if (betweenMs >= leastMs) continue;
    leastMs = betweenMs;
    offsetMs = atMs - beforeMs - betweenMs / 2;
  }
  return offsetMs;
}

// `performance.now()` counts from the start of its own thread, `process.hrtime` from one moment for all threads. The
// difference is constant, so it is taken once.
const threadStartMs = clockOffsetMs(
  () => Number(process.hrtime.bigint()) / 1e6,
  () => performance.now(),
);

const now = () => threadStartMs + performance.now();

function suspendedMs(): number {
  try {
    return uptime() * 1000 - now();
  } catch {
    // The system does not tell. Most suspensions are longer than any connection lives; the peer's end shows them.
    return 0;
  }
}

/** The system's monotonic clock, the same in every thread of the process. */
export const systemClock: Clock = {
  now,
  // Of the two clocks only the machine's uptime goes on in a suspension; stepping the wall clock moves neither.
  suspendedMs,
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A `performance.now()` of this thread as a time of `systemClock`. */
export function fromPerformanceNow(ms: number): number {
  return threadStartMs + ms;
}
