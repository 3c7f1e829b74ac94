const spanMs = 15 * 60_000;
const shortestStepMs = 10_000;

/** The round trips of each step, the oldest first; the last step is the present one. In it `null`: no ping was answered. */
export interface RoundTripSteps {
  readonly stepMs: number;
  readonly meanMs: readonly (number | null)[];
  readonly longestMs: readonly (number | null)[];
}

/** The round trips to a server in the last quarter of an hour, in steps: their number is fixed, however many pings there are. */
export class RoundTripHistory {
  readonly #stepMs: number;
  readonly #counts: Uint32Array;
  readonly #sums: Float64Array;
  readonly #longest: Float64Array;
  readonly #now: () => number;
  /** The present step, counted from the beginning of the clock. */
  #step: number;

  /** @param periodMs a step is at least that long, so that while there is a connection there is a ping in each */
  constructor(periodMs: number, now = () => performance.now()) {
    this.#stepMs = Math.min(Math.max(shortestStepMs, periodMs), spanMs);
    const steps = Math.ceil(spanMs / this.#stepMs);
    this.#counts = new Uint32Array(steps);
    this.#sums = new Float64Array(steps);
    this.#longest = new Float64Array(steps);
    this.#now = now;
    this.#step = Math.floor(now() / this.#stepMs);
  }

  record(roundTripMs: number): void {
    this.#advance();
    const at = this.#step % this.#counts.length;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sums[at] = (this.#sums[at] as number) + roundTripMs;
    this.#longest[at] = Math.max(this.#longest[at] as number, roundTripMs);
  }

  steps(): RoundTripSteps {
    this.#advance();
    const { length } = this.#counts;
    const order = Array.from({ length }, (_, age) => (this.#step + 1 + age) % length);
    const read = (value: (at: number) => number) =>
      order.map((at) => (this.#counts[at] === 0 ? null : rounded(value(at))));
    return {
      stepMs: this.#stepMs,
      meanMs: read((at) => (this.#sums[at] as number) / (this.#counts[at] as number)),
      longestMs: read((at) => this.#longest[at] as number),
    };
  }

  /** Clears the steps that have begun since the last one. */
  #advance(): void {
    const present = Math.floor(this.#now() / this.#stepMs);
    const { length } = this.#counts;
    for (let step = Math.max(this.#step + 1, present - length + 1); step <= present; step++) {
      for (const values of [this.#counts, this.#sums, this.#longest]) values[step % length] = 0;
    }
    this.#step = present;
  }
}

/** To a microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
