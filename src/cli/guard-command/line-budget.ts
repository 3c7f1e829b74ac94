import type { Entry, Report } from '../watch/view.js';

/** How many are let through at once, and then per second. */
const most = 50;
const perSecond = 10;

/**
 * Lets only some of the entries through when there are many: a thousand clients that come, or are reset, in one second do
 * not make a thousand lines. When there is room again, a line says how many were left out.
 */
export class LineBudget {
  readonly #report: Report;
  readonly #now: () => number;
  #left = most;
  #countedMs: number;
  #leftOut = 0;

  constructor(report: Report, now = () => performance.now()) {
    this.#report = report;
    this.#now = now;
    this.#countedMs = now();
  }

  readonly report: Report = (entry) => {
    const nowMs = this.#now();
    this.#left = Math.min(most, this.#left + ((nowMs - this.#countedMs) * perSecond) / 1000);
    this.#countedMs = nowMs;
    if (this.#left < 1) {
      this.#leftOut += 1;
      return;
    }
    this.#left -= 1;
    if (this.#leftOut > 0) this.#report(leftOut(this.#leftOut));
    this.#leftOut = 0;
    this.#report(entry);
  };
}

function leftOut(count: number): Entry {
  const text = `${count} ${count === 1 ? 'line' : 'lines'} about clients left out here`;
  return { time: new Date(), event: 'leftOut', name: undefined, kind: 'note', text, fields: { count } };
}
