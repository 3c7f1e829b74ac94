/**
 * The recent stalls: time in which this process did not listen.
 *
 * Rules:
 * - The recorded spans never overlap. Time in which the main loop was blocked and the process did not run counts as lost
 *   once.
 * - Stalls with no turn of the main loop between them are pending together, so that a short one does not hide a longer one.
 *   Each is reported separately.
 */
import type { Stall } from '../model/events.js';

/** A span of time, by the system's monotonic clock. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Stalls after which no turn has completed yet, taken together. */
export interface PendingStall {
  /** When the first of them began. */
  readonly sinceMs: number;
  /** For how much of the time since then this process did not listen. */
  readonly lostMs: number;
  /** The kind of the longest of them. */
  readonly of: Stall['of'];
  /** Whether the machine was suspended in one of them, which no clock of this process has counted. */
  readonly isSuspension: boolean;
}

export class Stalls {
  #spans: Span[] = [];
  #pending: (PendingStall & { readonly longestMs: number }) | undefined;

  /** Whether no turn has completed since the last stall. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** For how many milliseconds of a span this process did not listen. */
  lostWithin(fromMs: number, toMs: number): number {
    let lostMs = 0;
    for (const span of this.#spans) {
      lostMs += Math.max(0, Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs));
    }
    return lostMs;
  }

  /**
   * Records a stall that has just ended.
   *
   * @param suspendedMs how long the machine was suspended in addition, which no clock of this process has counted
   * @returns the duration to report, in milliseconds: without the time that other stalls account for
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
      isSuspension: suspendedMs > 0 || before?.isSuspension === true,
      longestMs: isLongest ? durationMs : before.longestMs,
    };
    return durationMs;
  }

  /** Leaves out a span in which this thread may not have noticed a stall. */
  leaveOut({ fromMs, toMs }: Span): void {
    const freeFromMs = Math.max(fromMs, this.#spans.at(-1)?.toMs ?? fromMs);
    if (freeFromMs < toMs) this.#spans.push({ fromMs: freeFromMs, toMs });
  }

  /** Ends the pending stalls, when a turn that began after them has completed; returns them. */
  resume(): PendingStall | undefined {
    const stall = this.#pending;
    this.#pending = undefined;
    return stall;
  }

  /** Drops the spans before that moment: no silence is counted from before it any more. */
  forgetBefore(ms: number): void {
    if (this.#spans.length > 0) this.#spans = this.#spans.filter(({ toMs }) => toMs > ms);
  }
}
