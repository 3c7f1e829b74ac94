import { isError } from '../../model/errors.js';

/** What to do with an occurrence of a failure: log it because its reason is new, log it again, or only count it. */
export type Occurrence = 'new' | 'again' | 'held back';

const firstGapMs = 60_000;
const longestGapMs = 3_600_000;
/** How many reasons can be new within the longest gap, so that messages that differ every time are not all logged. */
const mostReasons = 8;
/** How long, and how many times in a row, there must be success for the failure to be over. */
const calmMs = 60_000;
const calmTimes = 3;
const longestReason = 200;
const deepestCause = 3;

/**
 * Decides which occurrences of a recurring failure are logged, and counts the others.
 *
 * Rules:
 * - The first occurrence of each reason is logged at once; after that one after a minute, and then at increasing intervals of
 *   up to an hour.
 * - An intermittent failure is one failure: it is over after a minute with at least three successes and no failure.
 */
export class LogThrottle {
  #sinceMs: number;
  /** When each reason last occurred, oldest first. */
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

  /** Records an occurrence. @param isDue whether to log it however recent the last line is */
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
    this.#logAgain(nowMs);
    return 'again';
  }

  /** In how many milliseconds a known reason is logged again, if it occurs then. */
  dueInMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs);
  }

  /** Returns whether occurrences are held back. If so, the last of them is to be logged, and counts no more as held back. */
  release(nowMs: number): boolean {
    if (this.#heldBack === 0) return false;
    this.#heldBack -= 1;
    this.#logAgain(nowMs);
    return true;
  }

  /** Returns how many were held back since the last call, for the line that is about to be written. */
  takeHeldBack(): number {
    const heldBack = this.#heldBack;
    this.#heldBack = 0;
    return heldBack;
  }

  /**
   * Records a success. Returns whether to log it, because occurrences were held back: only the first success after a line of
   * the failure, so that an intermittent failure does not log each recovery, and when the failure is over.
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
   * Starts again if the failure has not occurred for the longest gap: for failures without a recorded success. The count of
   * what was held back is kept for the next line.
   */
  expire(nowMs: number): void {
    if (nowMs - this.#lastMs < longestGapMs) return;
    this.#sinceMs = nowMs;
    this.#nextMs = nowMs + firstGapMs;
    this.#reasons.clear();
  }

  #logAgain(nowMs: number): void {
    // After as much time again as the failure has lasted.
    this.#nextMs = Math.min(2 * nowMs - this.#sinceMs, nowMs + longestGapMs);
    this.#hasLoggedLately = true;
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
 * The reason of a failure, by which two are the same. Digits are left out, since times and ports differ each time.
 *
 * @param error anything that can be thrown
 */
export function reasonOf(error: unknown): string {
  try {
    let text = isError(error) ? '' : String(error);
    for (let e = error, depth = 0; isError(e) && depth < deepestCause; e = e.cause, depth++) {
      text += `${'code' in e ? String(e.code) : e.name} ${e.message.slice(0, longestReason)} `;
    }
    return text.slice(0, longestReason).replace(/\d+/g, '#');
  } catch {
    return 'an error that cannot be shown';
  }
}
