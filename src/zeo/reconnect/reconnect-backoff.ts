export interface ReconnectOptions {
  /** The upper bound of the first delay that is not zero. */
  readonly minDelayMs: number;
  /** What the upper bound grows to. */
  readonly maxDelayMs: number;
  /** Between 0 and 1, 1 excluded. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * When to try again: at once, then after a random time of at most `minDelayMs`, and the bound doubles up to
 * `maxDelayMs`.
 *
 * The whole delay is random ("full jitter"): a thousand clients that lose one server at the same moment come
 * back spread over the bound, not in step.
 */
export class ReconnectBackoff {
  readonly #options: ReconnectOptions;
  #attempts = 0;

  constructor(options: ReconnectOptions) {
    this.#options = options;
  }

  /** How many attempts were asked for. */
  get attempts(): number {
    return this.#attempts;
  }

  /**
   * The time to wait before the next attempt, which this counts.
   *
   * @param hopeless the last failure will most likely repeat (an unknown storage): wait as after many failures
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
