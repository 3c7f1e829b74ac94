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
  samples: Float32Array;
  /** Whether a snapshot has the samples, so that they must not change. */
  isShared: boolean;
  /** How many round trips were ever recorded, by target. */
  readonly counts: Uint32Array;
}

/** The last round trips of all targets, by slot of the board. Recording one allocates nothing, but after a snapshot. */
export class RoundTrips {
  readonly #chunks: (Chunk | undefined)[] = [];

  record(id: number, roundTripMs: number): void {
    const index = id % targetsInChunk;
    const chunk = this.#chunkOf(id);
    if (chunk.isShared) {
      chunk.samples = chunk.samples.slice();
      chunk.isShared = false;
    }
    const { samples, counts } = chunk;
    const count = counts[index] as number;
    samples[index * length + (count % length)] = roundTripMs;
    counts[index] = count + 1;
  }

  /** Forgets the round trips of a slot that passes to another target. */
  clear(id: number): void {
    const chunk = this.#chunks[Math.floor(id / targetsInChunk)];
    if (chunk !== undefined) chunk.counts[id % targetsInChunk] = 0;
  }

  /**
   * Those up to now, summarized when the function that is returned is called: for ten thousand targets at once that would pause
   * the main loop. `undefined` while no ping has been answered.
   */
  snapshot(id: number): () => RoundTripSummary | undefined {
    const chunk = this.#chunks[Math.floor(id / targetsInChunk)];
    const index = id % targetsInChunk;
    const count = chunk?.counts[index] ?? 0;
    if (chunk === undefined || count === 0) return () => undefined;
    chunk.isShared = true;
    const { samples } = chunk;
    return () => summarize(samples, index * length, count);
  }

  #chunkOf(id: number): Chunk {
    const number = Math.floor(id / targetsInChunk);
    const present = this.#chunks[number];
    if (present !== undefined) return present;
    const chunk = {
      samples: new Float32Array(targetsInChunk * length),
      isShared: false,
      counts: new Uint32Array(targetsInChunk),
    };
    this.#chunks[number] = chunk;
    return chunk;
  }
}

/** @param samples those of the target are a ring from `start` on, in which `count` were written */
function summarize(samples: Float32Array, start: number, count: number): RoundTripSummary {
  const kept = Math.min(count, length);
  const oldest = count - kept;
  const recentMs = Array.from({ length: kept }, (_, i) =>
    roundedMs(samples[start + ((oldest + i) % length)] as number),
  );
  const sorted = Float64Array.from(recentMs).sort();
  // By nearest rank, so that it is a value that was measured.
  const percentile = (fraction: number) => sorted[Math.ceil(fraction * kept) - 1] as number;
  return {
    lastMs: recentMs.at(-1) as number,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    recentMs,
  };
}

/** To the microsecond: further digits are noise, here of the 32 bits. */
export const roundedMs = (ms: number) => Math.round(ms * 1000) / 1000;
