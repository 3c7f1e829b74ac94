/**
 * Which storages are pinged together, and when.
 *
 * Storages are kept in slices; a slice is pinged as one sweep.
 * - Every storage is pinged at least once in each period. Jitter and merging only ever shorten an interval.
 * - A handful of storages is one slice: one wake-up a period, as in the original.
 * - Many are many slices, evenly spread over the period: no burst. That is so again one period after all of them had to be
 *   pinged at once.
 */

/**
 * Each slice costs a message to the main thread and back, which is worth ten pings. The main thread does not begin all of
 * one in a burst, and a server that had all of them to answer would do so within a few hundredths of a second.
 */
const largestSlice = 512;
/**
 * A slice has no more pings than get places in so many rounds: when all of its storages fall silent at once, each round
 * waits for the grace time, and the last ping is later by that than it was a period before.
 */
const mostRounds = 4;

interface Slice {
  dueMs: number;
  /** When it is due after that, if it was brought forward together with others; before then it is pinged once more. */
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
  /** Those with room for another storage. */
  readonly #roomy = new Set<Slice>();

  constructor(options: ScheduleOptions) {
    this.#periodMs = options.periodMs;
    this.#jitter = options.jitter;
    this.#random = options.random;
    this.#sliceSize = Math.min(largestSlice, mostRounds * options.concurrency);
  }

  /** When the next slice is due; `undefined` without storages. */
  get nextDueMs(): number | undefined {
    let next: number | undefined;
    for (const { dueMs } of this.#slices) if (next === undefined || dueMs < next) next = dueMs;
    return next;
  }

  /** Takes over which storages are there now, as well, and which are not any more. Either may be known already. */
  update(present: readonly number[], nowMs: number, gone: readonly number[] = []): void {
    for (const id of gone) this.#remove(id);
    const added = present.filter((id) => !this.#sliceOf.has(id));
    const left = this.#fill(added);
    this.#addSlices(left, nowMs);
  }

  /** The storages whose time has come. Their next time is set. */
  take(nowMs: number): number[] {
    const due = [...this.#slices].filter(({ dueMs }) => dueMs <= nowMs);
    const taken: number[] = [];
    for (const { ids } of due) for (const id of ids) taken.push(id);
    const overdue = due.filter((slice) => !this.#rearm(slice, nowMs));
    // From when it was due a slice counts on, so that lateness does not add up. But after a long stall that lies
    // behind all of them.
    for (const [slice, spreadMs] of this.#spread(overdue, nowMs, nowMs + this.#periodMs))
      slice.dueMs = spreadMs;
    for (const slice of due) this.#merge(slice);
    return taken;
  }

  /**
   * Brings whatever is due later forward to within `withinMs` from now, each slice to a random moment of it. In the period
   * after that they are evenly spread again.
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

  /** Puts storages where there is room, and returns the rest. */
  #fill(ids: readonly number[]): readonly number[] {
    let next = 0;
    for (const slice of this.#roomy) {
      if (next === ids.length) break;
      while (next < ids.length && this.#hasRoom(slice)) this.#place(ids[next++] as number, slice);
    }
    return ids.slice(next);
  }

  /** Cuts new storages into slices of even size, evenly spread over the period. */
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

  /** Sets when a slice is due after this; returns whether that is in the future. */
  #rearm(slice: Slice, nowMs: number): boolean {
    const { dueMs, spreadMs } = slice;
    slice.spreadMs = undefined;
    if (spreadMs === undefined) slice.dueMs = dueMs + this.#interval();
    // It was brought forward to after its place in the even spread: that place comes again a period later, which is sooner
    // than a period from now.
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

  /** Storages that were just pinged join another slice with room for all of them: it is due sooner than they had to be. */
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
