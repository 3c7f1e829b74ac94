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
    const kept = Math.min(count, length);
    const oldest = count - kept;
    const recentMs: number[] = [];
    for (let i = 0; i < kept; i++) {
      const sample = chunk.samples[start + ((oldest + i) % length)] as number;
      recentMs.push(roundedMs(sample));
      // Sorted as they come: calling sort() for so few takes twice as long, also on a typed array.
      let place = i;
      for (; place > 0 && (sorted[place - 1] as number) > sample; place--)
        sorted[place] = sorted[place - 1] as number;
      sorted[place] = sample;
    }
    return {
      lastMs: recentMs.at(-1) as number,
      p50Ms: percentile(kept, 0.5),
      p99Ms: percentile(kept, 0.99),
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

/** The samples of a summary, while it is made. */
const sorted = new Float32Array(length);

/** To the microsecond, as measured: further digits are rounding errors of the 32 bits. */
const roundedMs = (ms: number) => Math.round(ms * 1000) / 1000;

/** By nearest rank, so that it is a value that was measured. */
function percentile(count: number, fraction: number): number {
  return roundedMs(sorted[Math.ceil(fraction * count) - 1] as number);
}
