/** So many clients may come at once. */
const burst = 20;
/** Then one in this time: a thousand within seven seconds. */
const spacingMs = 7;

/**
 * Spreads the clients that want a server in the same moment, as when their last one was lost: the next one has to register
 * and verify the cache of each, and is to be met by no more than 150 in a second.
 */
export class ConnectPacer {
  readonly #now: () => number;
  #nextPlaceMs = Number.NEGATIVE_INFINITY;

  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** Takes the next place: how many milliseconds from now a client is to be connected. */
  delayMs(): number {
    const nowMs = this.#now();
    const placeMs = Math.max(this.#nextPlaceMs, nowMs - burst * spacingMs);
    this.#nextPlaceMs = placeMs + spacingMs;
    return Math.max(0, placeMs - nowMs);
  }
}
