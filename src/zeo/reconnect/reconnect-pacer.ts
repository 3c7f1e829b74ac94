/** Fewer storages of one server than this reconnect as they like. */
const herd = 100;
/**
 * A tenth of the storages in a second is the most that a server should see; this is a little less, because jitter can
 * bring two neighbours of a second into it.
 */
const sharePerSecond = 0.08;

/**
 * Spreads the reconnects of a process: when a thousand connections are lost in one moment, their server, or its
 * successor, is not met by all of them at once.
 *
 * The attempts at each address get evenly spaced places in time, a random moment in each. What comes while no others
 * do goes at once, and the storages of one server do not keep those of another waiting.
 */
export class ReconnectPacer {
  readonly #now: () => number;
  readonly #random: () => number;
  /** Those that have a storage. */
  readonly #queues = new Map<string, Queue>();

  constructor(now = () => performance.now(), random = Math.random) {
    this.#now = now;
    this.#random = random;
  }

  /** Counts a storage among those of each of its addresses, until the function returned is called. */
  join(addresses: readonly string[]): () => void {
    for (const address of addresses) {
      const queue = this.#queues.get(address);
      if (queue === undefined)
        this.#queues.set(address, { storages: 1, nextPlaceMs: Number.NEGATIVE_INFINITY });
      else queue.storages += 1;
    }
    let joined = true;
    return () => {
      if (joined) for (const address of addresses) this.#leave(address);
      joined = false;
    };
  }

  /** Takes the next place at an address: how many milliseconds from now an attempt is to be made. */
  delayMs(address: string): number {
    const queue = this.#queues.get(address);
    if (queue === undefined || queue.storages < herd) return 0;
    const spacingMs = 1000 / (queue.storages * sharePerSecond);
    const nowMs = this.#now();
    const placeMs = Math.max(nowMs, queue.nextPlaceMs);
    queue.nextPlaceMs = placeMs + spacingMs;
    return placeMs === nowMs ? 0 : placeMs - nowMs + this.#random() * spacingMs;
  }

  #leave(address: string): void {
    const queue = this.#queues.get(address) as Queue;
    queue.storages -= 1;
    if (queue.storages === 0) this.#queues.delete(address);
  }
}

interface Queue {
  /** How many have the address among theirs. */
  storages: number;
  nextPlaceMs: number;
}

/** The pacer of all storages of this process. */
export const reconnectPacer = new ReconnectPacer();
