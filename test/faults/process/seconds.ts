/** The most in any one second, wherever it begins. */
export function busiestSecond(timesMs: readonly number[]): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [i, atMs] of sorted.entries()) {
    while (atMs - (sorted[first] ?? atMs) >= 1000) first += 1;
    most = Math.max(most, i - first + 1);
  }
  return most;
}

/** How many in each second: `0 112 93`. */
export function histogram(timesMs: readonly number[]): string {
  const counts: number[] = [];
  for (const atMs of timesMs) {
    const second = Math.floor(atMs / 1000);
    while (counts.length <= second) counts.push(0);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts.join(' ');
}
