/**
 * When, of late, this process did not listen.
 *
 * Rules:
 * - The spans do not overlap, whatever overlaps: a main loop that is blocked while the whole process stands still is lost
 *   time once.
 * - Stalls that follow one another with no turn of the main loop between them are one to whoever waits for their end,
 *   so that a short one hides no longer one; each is reported for itself.
 */
import type { Stall } from '../model/events.js';

/** A time, by the system's monotonic clock. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Stalls that no turn has ended yet. */
export interface PendingStall {
  /** When the first of them began. */
  readonly sinceMs: number;
  /** How long this process did not listen since then. */
  readonly lostMs: number;
  /** What stood still for longest. */
  readonly of: Stall['of'];
}

export class Stalls {
  #spans: Span[] = [];
  #pending: (PendingStall & { readonly longestMs: number }) | undefined;

  /** Whether there are some that no turn has ended. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** How much of a span was lost. */
  lostWithin(fromMs: number, toMs: number): number {
    let lostMs = 0;
    for (const span of this.#spans) {
      lostMs += Math.max(0, Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs));
    }
    return lostMs;
  }

  /**
   * One has just ended.
   *
   * @param suspendedMs how long the machine was away beside, which no clock of this process has counted
   * @returns for how long nothing else was known to stand still: the duration to report
   */
  ended(of: Stall['of'], { fromMs, toMs }: Span, suspendedMs = 0): number {
    const ownMs = toMs - fromMs - this.lostWithin(fromMs, toMs);
    this.#spans = this.#spans.filter((span) => span.fromMs < fromMs);
    const last = this.#spans.at(-1);
    const freeFromMs = Math.max(fromMs, last?.toMs ?? fromMs);
    if (freeFromMs < toMs) this.#spans.push({ fromMs: freeFromMs, toMs });
    const durationMs = ownMs + suspendedMs;
    const before = this.#pending;
    const isLongest = before === undefined || durationMs > before.longestMs;
    this.#pending = {
      sinceMs: Math.min(before?.sinceMs ?? fromMs, fromMs),
      lostMs: (before?.lostMs ?? 0) + durationMs,
      of: isLongest ? of : before.of,
      longestMs: isLongest ? durationMs : before.longestMs,
    };
    return durationMs;
  }

  /** A turn that was begun after all of them is through. */
  resume(): PendingStall | undefined {
    const stall = this.#pending;
    this.#pending = undefined;
    return stall;
  }

  /** Nobody's silence is counted from before that moment any more. */
  forgetBefore(ms: number): void {
    if (this.#spans.length > 0) this.#spans = this.#spans.filter(({ toMs }) => toMs > ms);
  }
}
