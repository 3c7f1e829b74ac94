/** The last round trips of one target, in milliseconds. */
export interface RoundTripSummary {
  readonly lastMs: number;
  readonly p50Ms: number;
  /** By nearest rank, like the median: among so few samples it is the longest. */
  readonly p99Ms: number;
  /** At most the last 64, oldest first. */
  readonly recentMs: readonly number[];
}

/** How many round trips are kept for each target: 256 bytes, and half an hour at a period of 30 s. */
const length = 64;
/** How many targets share a typed array: with one for each, the array object would take more memory than its samples. */
const targetsInChunk = 16;

interface Chunk {
  readonly samples: Float32Array;
  /** How many round trips were ever recorded, by target. */
  readonly counts: Uint32Array;
}

/** The last round trips of all targets, by slot of the board. Recording one allocates nothing. */
export class RoundTrips {
  readonly #chunks: (Chunk | undefined)[] = [];

  record(id: number, roundTripMs: number): void {
    const index = id % targetsInChunk;
    const { samples, counts } = this.#chunkOf(id);
    const count = counts[index] as number;
    samples[index * length + (count % length)] = roundTripMs;
    counts[index] = count + 1;
  }

  /** Forgets the round trips of a slot that passes to another target. */
  clear(id: number): void {
    const chunk = this.#chunks[Math.floor(id / targetsInChunk)];
    if (chunk !== undefined) chunk.counts[id % targetsInChunk] = 0;
  }

  /** `undefined` while no ping has been answered. */
  summary(id: number): RoundTripSummary | undefined {
    const chunk = this.#chunks[Math.floor(id / targetsInChunk)];
    const index = id % targetsInChunk;
    const count = chunk?.counts[index] ?? 0;
    if (chunk === undefined || count === 0) return undefined;
    const start = index * length;
    const end = start + Math.min(count, length);
    // Where the next sample goes; in a full ring the oldest is there.
    const next = start + (count % length);
    const recentMs: number[] = [];
    if (count >= length)
      for (let i = next; i < end; i++) recentMs.push(roundedMs(chunk.samples[i] as number));
    for (let i = start; i < next; i++) recentMs.push(roundedMs(chunk.samples[i] as number));
    // A typed array sorts numerically without a comparison function, which would be most of the cost.
    const sorted = chunk.samples.slice(start, end).sort();
    return {
      lastMs: recentMs.at(-1) as number,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      recentMs,
    };
  }

  #chunkOf(id: number): Chunk {
    const number = Math.floor(id / targetsInChunk);
    const present = this.#chunks[number];
    if (present !== undefined) return present;
    const chunk = {
      samples: new Float32Array(targetsInChunk * length),
      counts: new Uint32Array(targetsInChunk),
    };
    this.#chunks[number] = chunk;
    return chunk;
  }
}

/** To the microsecond, as measured: further digits are rounding errors of the 32 bits. */
const roundedMs = (ms: number) => Math.round(ms * 1000) / 1000;

/** By nearest rank, so that it is a value that was measured. */
function percentile(sorted: Float32Array, fraction: number): number {
  return roundedMs(sorted[Math.ceil(fraction * sorted.length) - 1] as number);
}
