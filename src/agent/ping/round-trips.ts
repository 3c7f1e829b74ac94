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

/** The last round trips of several targets. */
export class RoundTripChunk {
  /** Whether a snapshot has it, so that it must not change. */
  isShared = false;
  readonly samples: Float32Array;
  /** How many round trips were ever recorded, by target. */
  readonly counts: Uint32Array;

  // The types are written out, as those that are inferred are not valid before TypeScript 5.7.
  constructor(
    samples: Float32Array = new Float32Array(targetsInChunk * length),
    counts: Uint32Array = new Uint32Array(targetsInChunk),
  ) {
    this.samples = samples;
    this.counts = counts;
  }

  copy(): RoundTripChunk {
    return new RoundTripChunk(this.samples.slice(), this.counts.slice());
  }

  /** Of the target with that slot, which has to be one of its targets. `undefined` while no ping has been answered. */
  summaryOf(id: number): RoundTripSummary | undefined {
    const index = id % targetsInChunk;
    const count = this.counts[index] as number;
    return count === 0 ? undefined : summarize(this.samples, index * length, count);
  }
}

/** The last round trips of all targets, by slot of the board. Recording one allocates nothing, except after a snapshot. */
export class RoundTrips {
  readonly #chunks: (RoundTripChunk | undefined)[] = [];

  record(id: number, roundTripMs: number): void {
    const index = id % targetsInChunk;
    const { samples, counts } = this.#chunkToChange(id);
    const count = counts[index] as number;
    samples[index * length + (count % length)] = roundTripMs;
    counts[index] = count + 1;
  }

  /** Forgets the round trips of a slot that passes to another target. */
  clear(id: number): void {
    if (this.#chunks[chunkNumber(id)] !== undefined) this.#chunkToChange(id).counts[id % targetsInChunk] = 0;
  }

  /**
   * Those of a target up to now, and of its neighbours. They are not summarized yet: for ten thousand targets at once that would
   * pause the main loop.
   */
  snapshot(id: number): RoundTripChunk | undefined {
    const chunk = this.#chunks[chunkNumber(id)];
    if (chunk !== undefined) chunk.isShared = true;
    return chunk;
  }

  #chunkToChange(id: number): RoundTripChunk {
    const number = chunkNumber(id);
    const present = this.#chunks[number];
    if (present?.isShared === false) return present;
    const chunk = present?.copy() ?? new RoundTripChunk();
    this.#chunks[number] = chunk;
    return chunk;
  }
}

const chunkNumber = (id: number) => Math.floor(id / targetsInChunk);

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
