/**
 * The one timer of the ping loop, and the stalls of the process that it shows by being late.
 *
 * Rules:
 * - An overdue timer is never replaced by another one: by its lateness it shows that the process did not run.
 * - Lateness is returned once. The timer then counts as due at that moment, so that only what follows is late again.
 * - A suspension of the machine is part of it: the monotonic clock stops meanwhile, so the timer alone does not show it.
 */
import type { Clock } from '../async/clock.js';
import type { Span } from './stalls.js';

/** The monotonic clock and the uptime, which may count in whole seconds, can differ by this much without a suspension. */
const clockRoundingMs = 1500;

/** Time in which this process did not run. */
export interface Lateness {
  /** From when the timer was due to when it was found overdue. */
  readonly span: Span;
  /** How long the machine was suspended in addition, which no clock of this process has counted. */
  readonly suspendedMs: number;
}

export interface WakeUpOptions {
  readonly clock: Clock;
  /** How late the timer may be on a machine that is merely busy. */
  readonly toleranceMs: number;
  readonly onWake: () => void;
}

export class WakeUp {
  readonly #clock: Clock;
  readonly #toleranceMs: number;
  readonly #onWake: () => void;
  /** When the timer is due; `Infinity` while there is none. */
  #dueMs = Infinity;
  #cancelTimer: (() => void) | undefined;
  /** How long the machine had been suspended when the timer last fired. */
  #suspendedMs: number;

  constructor({ clock, toleranceMs, onWake }: WakeUpOptions) {
    this.#clock = clock;
    this.#toleranceMs = toleranceMs;
    this.#onWake = onWake;
    this.#suspendedMs = clock.suspendedMs();
  }

  /** Moves the wake-up to `atMs`, or at once if that is past; `Infinity` for none. An overdue wake-up stays as it is. */
  schedule(atMs: number): void {
    const nowMs = this.#clock.now();
    if (this.#dueMs <= nowMs) return;
    // Work that is overdue, as before this thread was up, does not make the timer late.
    const dueMs = Math.max(nowMs, atMs);
    if (dueMs === this.#dueMs) return;
    this.cancel();
    if (dueMs === Infinity) return;
    this.#dueMs = dueMs;
    // Rounded up: a timer that fires a fraction early would find nothing due, and wake twice.
    this.#cancelTimer = this.#clock.schedule(() => this.#onWake(), Math.ceil(dueMs - nowMs));
  }

  /** The thread was at work in that time, as on a long reading of the table, and the timer could not fire. */
  excuse({ fromMs, toMs }: Span): void {
    if (this.#dueMs < toMs) this.#dueMs += toMs - Math.max(fromMs, this.#dueMs);
  }

  cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#dueMs = Infinity;
  }

  /** The timer has fired at `nowMs`: how late, if the process did not run or the machine was suspended. */
  fired(nowMs: number): Lateness | undefined {
    const lateness = this.overdue(nowMs, this.#newlySuspendedMs());
    this.#cancelTimer = undefined;
    this.#dueMs = Infinity;
    return lateness;
  }

  /** How late the timer is at `nowMs`, whether it has fired or not; `undefined` while it is not later than tolerated. */
  overdue(nowMs: number, suspendedMs = 0): Lateness | undefined {
    const fromMs = Math.min(this.#dueMs, nowMs);
    if (nowMs - fromMs + suspendedMs <= this.#toleranceMs) return undefined;
    this.#dueMs = nowMs;
    return { span: { fromMs, toMs: nowMs }, suspendedMs };
  }

  /** How long the machine was suspended since the timer last fired, if that is more than rounding. */
  #newlySuspendedMs(): number {
    const suspendedMs = this.#clock.suspendedMs();
    const newlyMs = suspendedMs - this.#suspendedMs;
    this.#suspendedMs = suspendedMs;
    return newlyMs > clockRoundingMs ? newlyMs : 0;
  }
}
