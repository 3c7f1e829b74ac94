import type { Clock } from '#src/async/clock.js';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to advance. */
export class ManualClock implements Clock {
  // No clock counts in whole milliseconds.
  #nowMs = 1_000_000.37;
  #suspendedMs = 0;
  readonly #timers = new Set<Timer>();
  /** How often a timer of this clock has fired. */
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

  /** Lets time pass, timer by timer, with whatever promises settle in between. */
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

  /** What runs now takes so long. */
  passes(ms: number): void {
    this.#nowMs += ms;
  }

  /** The process is stopped for so long: time passes, and nothing runs until it is over. */
  async stopProcess(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.advance(0);
  }

  /** The machine is suspended for so long: no clock of this process counts it. */
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
