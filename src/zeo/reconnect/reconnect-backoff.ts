export interface ReconnectOptions {
  /** The upper bound of the first delay that is not zero. */
  readonly minDelayMs: number;
  /** The maximum of the upper bound. */
  readonly maxDelayMs: number;
  /** Returns a number from 0 to 1, 1 excluded. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * The delays between attempts: none before the first, then a random time of at most `minDelayMs`, a bound that doubles with
 * each attempt up to `maxDelayMs`.
 *
 * The whole delay is random ("full jitter"): a thousand clients that lose a server at the same moment come back spread
 * out, not in step.
 */
export class ReconnectBackoff {
  readonly #options: ReconnectOptions;
  #attempts = 0;

  constructor(options: ReconnectOptions) {
    this.#options = options;
  }

  /** Number of attempts so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /**
   * Counts the next attempt, and returns how many milliseconds to wait before it.
   *
   * @param hopeless the last failure will most likely repeat (e.g. an unknown storage): wait as after many failures
   */
  nextDelayMs(hopeless = false): number {
    const { minDelayMs, maxDelayMs, random = Math.random } = this.#options;
    const attempt = this.#attempts;
    this.#attempts += 1;
    if (attempt === 0) return 0;
    const boundMs = hopeless ? maxDelayMs : Math.min(maxDelayMs, minDelayMs * 2 ** (attempt - 1));
    return Math.round(random() * boundMs);
  }
}
