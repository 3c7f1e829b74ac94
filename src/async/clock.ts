import { uptime } from 'node:os';

/** The loop's source of time; tests substitute their own. */
export interface Clock {
  /** Milliseconds of a monotonic clock: it never jumps, and stops while the machine is suspended. */
  now(): number;
  /**
   * How long the machine has been suspended since it was started, in milliseconds, which `now()` does not count. Precise to a
   * second only, as some systems count their uptime.
   */
  suspendedMs(): number;
  /** Calls `callback` once after `delayMs`; returns a function that cancels it. */
  schedule(callback: () => void, delayMs: number): () => void;
}

const mostReadings = 100;
/** A reading this precise is good enough: the clocks of two threads then differ by less than any verdict depends on. */
const goodReadingMs = 0.01;

/**
 * How far one clock is ahead of another that runs at the same rate, in milliseconds. On a busy machine the thread may lose the
 * processor between reading one and the other, for a tenth of a second or more, so the reading with the least time in between
 * counts.
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
    // Unknown. Most suspensions outlast every connection, so the peers have closed theirs.
    return 0;
  }
}

/** The system's monotonic clock, the same in every thread of the process. */
export const systemClock: Clock = {
  now,
  // Of the two clocks only the uptime continues during a suspension; stepping the wall clock moves neither.
  suspendedMs,
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * For how many milliseconds this process has computed, all of its threads: less than the time that passes where it has to
 * wait for the processor. Node 20 does not know it of one thread.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Converts a `performance.now()` of this thread to a time of `systemClock`. */
export function fromPerformanceNow(ms: number): number {
  return threadStartMs + ms;
}
