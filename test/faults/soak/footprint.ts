import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sleep } from '../../support/turning-clock.js';

/** What this process holds, to be compared before and after. */
export interface Footprint {
  readonly heapBytes: number;
  /** What libuv holds, by kind: sockets, servers, timers … */
  readonly resources: Readonly<Record<string, number>>;
  /** Open file descriptors; `undefined` where the system does not tell. */
  readonly descriptors: number | undefined;
  /** On `process`, by event. */
  readonly listeners: Readonly<Record<string, number>>;
}

/** Noise of the runtime: compiled code, its caches, a thread's pipes that are being closed. */
const heapNoiseBytes = 8 * 1024 * 1024;
const descriptorNoise = 4;

export async function takeFootprint(): Promise<Footprint> {
  // What was closed a moment ago is released in later turns.
  await sleep(500);
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  await sleep(50);
  collectGarbage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return {
    heapBytes: process.memoryUsage().heapUsed,
    resources,
    descriptors: countDescriptors(),
    listeners: Object.fromEntries(
      process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    ),
  };
}

/** What has grown beyond noise, as phrases. */
export function leaks(before: Footprint, after: Footprint): string[] {
  const grown: string[] = [];
  const heapGrowth = after.heapBytes - before.heapBytes;
  if (heapGrowth > heapNoiseBytes) grown.push(`the heap has grown by ${megabytes(heapGrowth)}`);
  for (const [kind, count] of Object.entries(after.resources)) {
    const had = before.resources[kind] ?? 0;
    // A timer or two may be anybody's: the test runner's, a thread's that has just ended.
    if (count > had + (kind === 'Timeout' ? 2 : 0)) grown.push(`${count} ${kind}, there were ${had}`);
  }
  if ((after.descriptors ?? 0) > (before.descriptors ?? 0) + descriptorNoise) {
    grown.push(`${after.descriptors} file descriptors, there were ${before.descriptors}`);
  }
  for (const [event, count] of Object.entries(after.listeners)) {
    const had = before.listeners[event] ?? 0;
    if (count > had) grown.push(`${count} listeners of ${event} on process, there were ${had}`);
  }
  return grown;
}

export const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

function countDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
