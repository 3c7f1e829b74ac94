import { isError } from '../../model/errors.js';

/** What becomes of one occurrence of a failure: a line because its reason is new, a line again, or no line. */
export type Occurrence = 'new' | 'again' | 'held back';

const firstGapMs = 60_000;
const longestGapMs = 3_600_000;
/** At most this many within the longest gap; beyond that none counts as new, so that texts that differ every time make no line each. */
const mostReasons = 8;
/** How long, and how many times in a row, things must go well for the failure to be over. */
const calmMs = 60_000;
const calmTimes = 3;
const longestReason = 200;
const deepestCause = 3;

/**
 * Decides which occurrences of a recurring failure are logged: each reason at once when it occurs first; then one after a
 * minute, and more at ever longer intervals, up to an hour. The others are counted.
 *
 * What fails now and then is one failure: it is over when things have gone well for a while.
 */
export class LogThrottle {
  #sinceMs: number;
  /** When each occurred last, the oldest first. */
  readonly #reasons = new Map<string, number>();
  #nextMs: number;
  #lastMs: number;
  #heldBack = 0;
  #hasLoggedLately = false;
  #calmSinceMs: number | undefined;
  #calmTimes = 0;

  /** @param nowMs of a monotonic clock, as in all methods */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
    this.#nextMs = nowMs + firstGapMs;
  }

  /** @param isDue whether it is worth a line however recent the last one is */
  record(reason: string, nowMs: number, isDue = false): Occurrence {
    this.#lastMs = nowMs;
    this.#calmSinceMs = undefined;
    this.#calmTimes = 0;
    if (this.#isNew(reason, nowMs)) {
      this.#hasLoggedLately = true;
      return 'new';
    }
    if (nowMs < this.#nextMs && !isDue) {
      this.#heldBack += 1;
      return 'held back';
    }
    // As long again as it has lasted by now.
    this.#nextMs = Math.min(2 * nowMs - this.#sinceMs, nowMs + longestGapMs);
    this.#hasLoggedLately = true;
    return 'again';
  }

  /** How many were held back since the last call, for the line that is about to be written. */
  takeHeldBack(): number {
    const heldBack = this.#heldBack;
    this.#heldBack = 0;
    return heldBack;
  }

  /**
   * Things went well once. Returns whether that is worth a line, because occurrences were held back: the first time after a
   * line of the failure, so that what fails every other time does not make a line every other time either; or at its end.
   */
  recovered(nowMs: number): boolean {
    this.#calmSinceMs ??= nowMs;
    this.#calmTimes += 1;
    const isTime = this.#hasLoggedLately || this.isOver(nowMs);
    this.#hasLoggedLately = false;
    return isTime && this.#heldBack > 0;
  }

  isOver(nowMs: number): boolean {
    return (
      this.#calmSinceMs !== undefined && this.#calmTimes >= calmTimes && nowMs - this.#calmSinceMs >= calmMs
    );
  }

  /**
   * Begins anew if it has not occurred for as long as its lines may be apart: for failures whose end nobody reports. What
   * was held back is still to be logged.
   */
  expire(nowMs: number): void {
    if (nowMs - this.#lastMs < longestGapMs) return;
    this.#sinceMs = nowMs;
    this.#nextMs = nowMs + firstGapMs;
    this.#reasons.clear();
  }

  #isNew(reason: string, nowMs: number): boolean {
    const isNew = !this.#reasons.delete(reason);
    if (isNew && this.#reasons.size >= mostReasons) {
      const [[oldest, lastMs] = ['', nowMs]] = this.#reasons;
      if (nowMs - lastMs < longestGapMs) return false;
      this.#reasons.delete(oldest);
    }
    this.#reasons.set(reason, nowMs);
    return isNew;
  }
}

/**
 * What makes two failures the same. Numbers do not make them different: they count time, or name a port.
 *
 * @param error whatever was thrown
 */
export function reasonOf(error: unknown): string {
  try {
    let text = isError(error) ? '' : String(error);
    for (let e = error, depth = 0; isError(e) && depth < deepestCause; e = e.cause, depth++) {
      text += `${'code' in e ? String(e.code) : e.name} ${e.message.slice(0, longestReason)} `;
    }
    return text.slice(0, longestReason).replace(/\d+/g, '#');
  } catch {
    return 'beyond words';
  }
}
