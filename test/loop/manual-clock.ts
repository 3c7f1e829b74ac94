import type { Clock } from '#src/async/clock.js';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that only moves when a test advances it. */
export class ManualClock implements Clock {
  // Not a whole number: real clocks do not count whole milliseconds.
  #nowMs = 1_000_000.37;
  #suspendedMs = 0;
  readonly #timers = new Set<Timer>();
  /** How many times a timer of this clock has fired. */
  fired = 0;

  now(): number {
    return this.#nowMs;
  }

  suspendedMs(): number {
    return this.#suspendedMs;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass, timer by timer; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      this.fired += 1;
      timer.callback();
      await settle();
    }
    this.#nowMs = endMs;
  }

  /** Lets `ms` pass within the code that is running now. */
  passes(ms: number): void {
    this.#nowMs += ms;
  }

  /** Stops the process for `ms`: time passes, and nothing runs until it is over. */
  async stopProcess(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.advance(0);
  }

  /** Suspends the machine for `ms`, which no clock of this process counts. */
  async suspendMachine(ms: number): Promise<void> {
    this.#suspendedMs += ms;
    await this.advance(0);
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
