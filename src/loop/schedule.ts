/**
 * Which targets are pinged together, and when.
 *
 * Rules:
 * - Targets are kept in slices; a slice is pinged as one sweep.
 * - Every target is pinged at least once in each period. Jitter and merging only ever shorten an interval.
 * - A handful of targets is one slice: one wake-up a period, as in the original.
 * - Many targets are many slices, evenly spread over the period, so there are no bursts. One period after all of them had to
 *   be pinged at once they are evenly spread again.
 */

/**
 * Each slice costs a wake-up and a message to the main thread, as much as ten pings. The main thread does not begin all pings of a
 * slice in one burst, and a single server that had to answer all of them would do so within a few hundredths of a second.
 */
const largestSlice = 512;
/**
 * A slice has at most as many targets as can be pinged in this many rounds of `concurrency` pings: when all of them fall
 * silent at once, each round waits for the grace time, and the last ping is late by the sum of that.
 */
const mostRounds = 4;

interface Slice {
  dueMs: number;
  /** Its place in the even spread, if it was brought forward together with others. */
  spreadMs: number | undefined;
  readonly ids: number[];
}

export interface ScheduleOptions {
  readonly periodMs: number;
  /** Fraction by which an interval may be shortened at random, 0 to 1. */
  readonly jitter: number;
  /** How many pings may be in flight at once. */
  readonly concurrency: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class Schedule {
  readonly #periodMs: number;
  readonly #jitter: number;
  readonly #random: () => number;
  readonly #sliceSize: number;
  readonly #sliceOf = new Map<number, Slice>();
  readonly #slices = new Set<Slice>();
  /** The slices with room for another target. */
  readonly #roomy = new Set<Slice>();

  constructor(options: ScheduleOptions) {
    this.#periodMs = options.periodMs;
    this.#jitter = options.jitter;
    this.#random = options.random;
    this.#sliceSize = Math.min(largestSlice, mostRounds * options.concurrency);
  }

  /** When the next slice is due; `undefined` without targets. */
  get nextDueMs(): number | undefined {
    let next: number | undefined;
    for (const { dueMs } of this.#slices) if (next === undefined || dueMs < next) next = dueMs;
    return next;
  }

  /** Adds the targets that are present and removes those that are gone. Either may be known already. */
  update(present: readonly number[], nowMs: number, gone: readonly number[] = []): void {
    for (const id of gone) this.#remove(id);
    const added = present.filter((id) => !this.#sliceOf.has(id));
    const left = this.#fill(added);
    this.#addSlices(left, nowMs);
  }

  /** Returns the targets that are due, and sets when they are due next. */
  take(nowMs: number): number[] {
    const due = [...this.#slices].filter(({ dueMs }) => dueMs <= nowMs);
    const taken: number[] = [];
    for (const { ids } of due) for (const id of ids) taken.push(id);
    const overdue = due.filter((slice) => !this.#rearm(slice, nowMs));
    // The next interval counts from when a slice was due, so that lateness does not add up. After a long stall even the end
    // of that interval is past: such slices are spread over the next period.
    for (const [slice, spreadMs] of this.#spread(overdue, nowMs, nowMs + this.#periodMs))
      slice.dueMs = spreadMs;
    for (const slice of due) this.#merge(slice);
    return taken;
  }

  /**
   * Brings every slice that is due later forward to a random moment within `withinMs` from now. In the period after that
   * they are evenly spread again.
   */
  pingAllWithin(nowMs: number, withinMs: number): void {
    const endMs = nowMs + withinMs;
    for (const [slice, spreadMs] of this.#spread([...this.#slices], endMs, nowMs + this.#periodMs)) {
      slice.dueMs = Math.min(slice.dueMs, nowMs + this.#random() * withinMs);
      slice.spreadMs = spreadMs;
    }
  }

  #remove(id: number): void {
    const slice = this.#sliceOf.get(id);
    if (slice === undefined) return;
    this.#sliceOf.delete(id);
    const last = slice.ids.pop() as number;
    if (last !== id) slice.ids[slice.ids.indexOf(id)] = last;
    if (slice.ids.length === 0) this.#drop(slice);
    else this.#roomy.add(slice);
  }

  /** Puts targets into slices that have room, and returns the rest. */
  #fill(ids: readonly number[]): readonly number[] {
    let next = 0;
    for (const slice of this.#roomy) {
      if (next === ids.length) break;
      while (next < ids.length && this.#hasRoom(slice)) this.#place(ids[next++] as number, slice);
    }
    return ids.slice(next);
  }

  /** Cuts new targets into slices of equal size, evenly spread over the period. */
  #addSlices(ids: readonly number[], nowMs: number): void {
    const count = Math.ceil(ids.length / this.#sliceSize);
    const only = this.#slices.size === 0 && count === 1;
    const phase = this.#random();
    for (let i = 0; i < count; i++) {
      const phaseMs = only ? this.#interval() : ((i + phase) / count) * this.#periodMs;
      const slice: Slice = { dueMs: nowMs + phaseMs, spreadMs: undefined, ids: [] };
      this.#slices.add(slice);
      this.#roomy.add(slice);
      const from = Math.floor((i * ids.length) / count);
      const to = Math.floor(((i + 1) * ids.length) / count);
      for (const id of ids.slice(from, to)) this.#place(id, slice);
    }
  }

  #place(id: number, slice: Slice): void {
    slice.ids.push(id);
    this.#sliceOf.set(id, slice);
    if (!this.#hasRoom(slice)) this.#roomy.delete(slice);
  }

  #hasRoom(slice: Slice): boolean {
    return slice.ids.length < this.#sliceSize;
  }

  #drop(slice: Slice): void {
    this.#slices.delete(slice);
    this.#roomy.delete(slice);
  }

  /** Sets when a slice is due next; returns whether that is in the future. */
  #rearm(slice: Slice, nowMs: number): boolean {
    const { dueMs, spreadMs } = slice;
    slice.spreadMs = undefined;
    if (spreadMs === undefined) slice.dueMs = dueMs + this.#interval();
    // If its place in the even spread has passed meanwhile, that place comes again a period later: still less than a period
    // from now.
    else slice.dueMs = spreadMs > nowMs ? spreadMs : spreadMs + this.#periodMs;
    return slice.dueMs > nowMs;
  }

  /** Evenly spaced times, one for each slice. */
  #spread(slices: readonly Slice[], fromMs: number, toMs: number): (readonly [Slice, number])[] {
    const phase = this.#random();
    return slices.map(
      (slice, i) => [slice, fromMs + ((i + phase) / slices.length) * (toMs - fromMs)] as const,
    );
  }

  /** Moves targets that were just pinged into another slice with room for all of them: that one is due sooner. */
  #merge(slice: Slice): void {
    for (const host of this.#roomy) {
      if (host === slice || host.ids.length + slice.ids.length > this.#sliceSize) continue;
      for (const id of slice.ids) this.#place(id, host);
      this.#drop(slice);
      return;
    }
  }

  #interval(): number {
    return this.#periodMs * (1 - this.#jitter * this.#random());
  }
}
