/** At most this many clients are connected at once. */
const burst = 20;
/** The time between the others: a thousand take seven seconds. */
const spacingMs = 7;

/**
 * Spreads the clients that want a server at the same moment, as when their last one was lost: the next one has to register each
 * client and verify its cache, and gets at most 150 of them in a second.
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
