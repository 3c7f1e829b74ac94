import { type Clock, systemClock } from '../async/clock.js';
import { TurnQueue } from '../async/turn-queue.js';

/** At most this many clients are connected at once. */
const burst = 20;
/** The time between the others: a thousand take seven seconds. */
const spacingMs = 7;

/**
 * Spreads the clients that want a server at the same moment, as when their last one was lost: the next one has to register each
 * client and verify its cache, and gets at most 150 of them in a second. A client that leaves meanwhile takes no place, so
 * that a flood of those delays nobody.
 */
export class ConnectPacer {
  readonly #clock: Clock;
  readonly #queue = new TurnQueue();
  #nextPlaceMs = Number.NEGATIVE_INFINITY;
  #isScheduled = false;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Resolves when the client may be connected.
   *
   * @throws `signal.reason` when it aborts before
   */
  async turn(signal: AbortSignal): Promise<void> {
    if (this.#queue.size === 0 && this.#isFree) this.#take();
    else {
      const turn = this.#queue.wait(signal);
      this.#schedule();
      await turn;
    }
  }

  get #isFree(): boolean {
    return this.#nextPlaceMs <= this.#clock.now();
  }

  #take(): void {
    this.#nextPlaceMs = Math.max(this.#nextPlaceMs, this.#clock.now() - burst * spacingMs) + spacingMs;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#queue.size === 0) return;
    this.#isScheduled = true;
    this.#clock.schedule(() => {
      this.#isScheduled = false;
      while (this.#queue.size > 0 && this.#isFree) {
        this.#take();
        this.#queue.admitNext();
      }
      this.#schedule();
    }, this.#nextPlaceMs - this.#clock.now());
  }
}
