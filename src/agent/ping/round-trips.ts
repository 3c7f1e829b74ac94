/** What the last round trips of one storage took, in milliseconds. */
export interface RoundTripSummary {
  readonly lastMs: number;
  readonly p50Ms: number;
  /** By nearest rank, as the median: among so few it is the longest of them. */
  readonly p99Ms: number;
  /** The last 64 at most, the oldest first. */
  readonly recentMs: readonly number[];
}

/** So many round trips are remembered of a storage: 256 bytes, and at a period of 30 s half an hour. */
const length = 64;
/** Of so many storages in one piece of memory: a typed array for each would cost more than what is in it. */
const storagesInChunk = 16;

interface Chunk {
  readonly samples: Float32Array;
  /** How many were ever recorded, by storage. */
  readonly counts: Uint32Array;
}

/** The last round trips of all storages, by slot of the board. Recording one allocates nothing. */
export class RoundTrips {
  readonly #chunks: (Chunk | undefined)[] = [];

  record(id: number, roundTripMs: number): void {
    const index = id % storagesInChunk;
    const { samples, counts } = this.#chunkOf(id);
    const count = counts[index] as number;
    samples[index * length + (count % length)] = roundTripMs;
    counts[index] = count + 1;
  }

  /** The slot belongs to another storage from now on. */
  clear(id: number): void {
    const chunk = this.#chunks[Math.floor(id / storagesInChunk)];
    if (chunk !== undefined) chunk.counts[id % storagesInChunk] = 0;
  }

  /** `undefined` while no ping has been answered. */
  summary(id: number): RoundTripSummary | undefined {
    const chunk = this.#chunks[Math.floor(id / storagesInChunk)];
    const index = id % storagesInChunk;
    const count = chunk?.counts[index] ?? 0;
    if (chunk === undefined || count === 0) return undefined;
    const start = index * length;
    const end = start + Math.min(count, length);
    // Where the next one goes: in a full ring the oldest is there.
    const next = start + (count % length);
    const recentMs: number[] = [];
    if (count >= length)
      for (let i = next; i < end; i++) recentMs.push(roundedMs(chunk.samples[i] as number));
    for (let i = start; i < next; i++) recentMs.push(roundedMs(chunk.samples[i] as number));
    // As floats of 32 bits they need no comparison function, which is most of what sorting would cost.
    const sorted = chunk.samples.slice(start, end).sort();
    return {
      lastMs: recentMs.at(-1) as number,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      recentMs,
    };
  }

  #chunkOf(id: number): Chunk {
    const number = Math.floor(id / storagesInChunk);
    const present = this.#chunks[number];
    if (present !== undefined) return present;
    const chunk = {
      samples: new Float32Array(storagesInChunk * length),
      counts: new Uint32Array(storagesInChunk),
    };
    this.#chunks[number] = chunk;
    return chunk;
  }
}

/** What 32 bits add to it is noise: to the microsecond is what was measured. */
const roundedMs = (ms: number) => Math.round(ms * 1000) / 1000;

/** By nearest rank: a value that was measured. */
function percentile(sorted: Float32Array, fraction: number): number {
  return roundedMs(sorted[Math.ceil(fraction * sorted.length) - 1] as number);
}
