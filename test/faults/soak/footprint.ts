import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sleep } from '../../support/turning-clock.js';

/** The resources of this process, to be compared before and after. */
export interface Footprint {
  readonly heapBytes: number;
  /** libuv's resources by kind: sockets, servers, timers, … */
  readonly resources: Readonly<Record<string, number>>;
  /** Open file descriptors; `undefined` if the system does not say. */
  readonly descriptors: number | undefined;
  /** On `process`, by event. */
  readonly listeners: Readonly<Record<string, number>>;
}

/** Noise of the runtime: compiled code, caches, the pipes of a thread that is being closed. */
const heapNoiseBytes = 8 * 1024 * 1024;
const descriptorNoise = 4;

export async function takeFootprint(): Promise<Footprint> {
  // Resources closed a moment ago are released in later turns of the event loop.
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

/** What has grown by more than noise, as phrases. */
export function leaks(before: Footprint, after: Footprint): string[] {
  const grown: string[] = [];
  const heapGrowth = after.heapBytes - before.heapBytes;
  if (heapGrowth > heapNoiseBytes) grown.push(`the heap has grown by ${megabytes(heapGrowth)}`);
  for (const [kind, count] of Object.entries(after.resources)) {
    const had = before.resources[kind] ?? 0;
    // A timer or two may belong to the test runner or to a thread that has just ended.
    if (count > had + (kind === 'Timeout' ? 2 : 0)) grown.push(`${count} ${kind}, up from ${had}`);
  }
  if ((after.descriptors ?? 0) > (before.descriptors ?? 0) + descriptorNoise) {
    grown.push(`${after.descriptors} file descriptors, up from ${before.descriptors}`);
  }
  for (const [event, count] of Object.entries(after.listeners)) {
    const had = before.listeners[event] ?? 0;
    if (count > had) grown.push(`${count} listeners for ${event} on process, up from ${had}`);
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
