/** Of the last answered pings of one storage. */
export interface RoundTrips {
  readonly lastMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Oldest first. */
  readonly recentMs: readonly number[];
}

const size = 64;

/** Remembers the last {@link size} round trips of one storage. */
export class RoundTripWindow {
  readonly #recentMs: number[] = [];

  add(roundTripMs: number): void {
    this.#recentMs.push(roundTripMs);
    if (this.#recentMs.length > size) this.#recentMs.shift();
  }

  /** `undefined` while there are none. */
  summary(): RoundTrips | undefined {
    const recentMs = this.#recentMs;
    const lastMs = recentMs.at(-1);
    if (lastMs === undefined) return undefined;
    const sorted = recentMs.toSorted((a, b) => a - b);
    // The nearest rank.
    const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] as number;
    return { lastMs, p50Ms: rank(0.5), p99Ms: rank(0.99), recentMs };
  }
}
