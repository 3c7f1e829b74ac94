/** Fewer storages than this reconnect as they like. */
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
 * Attempts get evenly spaced places in time, a random moment in each. What comes while no others do goes at once.
 */
export class ReconnectPacer {
  readonly #now: () => number;
  readonly #random: () => number;
  #storages = 0;
  #nextPlaceMs = Number.NEGATIVE_INFINITY;

  constructor(now = () => performance.now(), random = Math.random) {
    this.#now = now;
    this.#random = random;
  }

  /** Counts a storage among those that may have to reconnect, until the function returned is called. */
  join(): () => void {
    this.#storages += 1;
    let joined = true;
    return () => {
      if (joined) this.#storages -= 1;
      joined = false;
    };
  }

  /** Takes the next place: how many milliseconds from now an attempt is to be made. */
  delayMs(): number {
    if (this.#storages < herd) return 0;
    const spacingMs = 1000 / (this.#storages * sharePerSecond);
    const nowMs = this.#now();
    const placeMs = Math.max(nowMs, this.#nextPlaceMs);
    this.#nextPlaceMs = placeMs + spacingMs;
    return placeMs === nowMs ? 0 : placeMs - nowMs + this.#random() * spacingMs;
  }
}

/** The pacer of all storages of this process. */
export const reconnectPacer = new ReconnectPacer();
