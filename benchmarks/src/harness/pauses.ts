import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** By how much the main loop of this process was late. */
export interface Pauses {
  readonly p999Ms: number;
  readonly maxMs: number;
}

const resolutionMs = 1;

export async function measurePauses(ms: number): Promise<Pauses> {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  await sleep(ms);
  delay.disable();
  // It has the time between two looks.
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
  return { p999Ms: late(delay.percentile(99.9)), maxMs: late(delay.max) };
}
