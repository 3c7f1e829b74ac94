/** Descriptions of the other load on the main thread. */
export const loads = {
  idle: 'nothing',
  'half busy': '10 ms of computing in each 20 ms',
  'blocked in bursts': '700 ms of computing in each 3 s',
} as const;
export type LoadKind = keyof typeof loads;

/** Starts the load; each returns a function that ends it. */
export const keepBusy: Readonly<Record<LoadKind, () => () => void>> = {
  idle: () => () => {},
  'half busy': () => compute(10, 20),
  'blocked in bursts': () => compute(700, 3000),
};

function compute(busyMs: number, everyMs: number): () => void {
  const timer = setInterval(() => {
    const endMs = performance.now() + busyMs;
    while (performance.now() < endMs);
  }, everyMs);
  return () => clearInterval(timer);
}
