import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { systemClock } from '../async/clock.js';
import { startDeadline } from '../async/deadline.js';
import { budgetsFor } from '../threads/budgets.js';
import { Batch } from './ping/batch.js';
import type { Prober } from './prober.js';
import type { Settings } from './settings.js';

/** How far beyond its timeout a ping may be before the worker is asked whether it runs: more than the promised bound. */
const leaseMarginMs = 1500;
/** So many pings share a place: the limiter then costs once for all of them. */
const largestBatch = 32;
/** After so many that a sweep begins, which takes about a millisecond, the main loop sees to what else there is. */
const pingsPerTurn = 32;
/** For so long: where a turn takes its time, the pings must not. */
const yieldsForMs = 100;
const longestGraceMs = 50;

export interface SweeperOptions {
  readonly settings: Settings;
  readonly prober: Prober;
  /** How many storages there are. */
  readonly storageCount: () => number;
  /** A ping is out for so long after its timeout that the worker may have failed. */
  readonly onOverdue: () => void;
  /** The prober threw, which it must not. */
  readonly onPanic: (error: unknown) => void;
}

/** Begins the pings of a sweep, batch by batch, within the limit of pings in flight, and knows which ones are out. */
export class Sweeper {
  readonly #prober: Prober;
  readonly #settings: Settings;
  readonly #storageCount: () => number;
  readonly #onOverdue: () => void;
  readonly #onPanic: (error: unknown) => void;
  readonly #batchSize: number;
  readonly #batchesAtOnce: number;
  readonly #limit: LimitFunction;
  readonly #leaseMs: number;
  /** Those whose pings are being begun, or are out. */
  readonly #batches = new Set<Batch>();
  /** How often all pings were abandoned. */
  #abandoned = 0;

  constructor({ settings, prober, storageCount, onOverdue, onPanic }: SweeperOptions) {
    const { concurrency, timeoutMs } = settings;
    this.#prober = prober;
    this.#settings = settings;
    this.#storageCount = storageCount;
    this.#onOverdue = onOverdue;
    this.#onPanic = onPanic;
    this.#batchSize = Math.max(1, Math.min(largestBatch, Math.floor(concurrency / 4)));
    this.#batchesAtOnce = Math.floor(concurrency / this.#batchSize);
    // Else a sweep that is abandoned would stay pending for good.
    this.#limit = pLimit({ concurrency: this.#batchesAtOnce, rejectOnClear: true });
    this.#leaseMs = budgetsFor(timeoutMs).lockMs + timeoutMs + leaseMarginMs;
  }

  /**
   * Pings these storages. Resolves when each is answered, or has been silent for the grace time, to those that are out
   * still. Never rejects.
   */
  async sweep(ids: Uint32Array): Promise<readonly number[]> {
    const begun: Promise<Batch | undefined>[] = [];
    const abandoned = this.#abandoned;
    const yieldsUntilMs = systemClock.now() + yieldsForMs;
    let turnEnds = pingsPerTurn;
    for (let from = 0; from < ids.length; from += this.#batchSize) {
      if (from >= turnEnds && systemClock.now() < yieldsUntilMs) {
        await nextTurn();
        if (abandoned !== this.#abandoned) break;
        turnEnds = from + pingsPerTurn;
      }
      const batch = this.#limit(() => this.#pingBatch(ids.subarray(from, from + this.#batchSize)));
      // Abandoned before its turn came.
      begun.push(batch.catch(() => undefined));
    }
    const out: number[] = [];
    for (const batch of await Promise.all(begun)) {
      if (batch?.isOver === false) for (const { subject } of batch.out()) out.push(subject.id);
    }
    return out;
  }

  /** Puts on the board what has passed on the connections that are being pinged. */
  noteTraffic(): void {
    for (const batch of this.#batches) for (const ping of batch.out()) ping.noteTraffic();
  }

  /** Ends every ping, as when the worker that watched over them is gone. The locks come free. */
  abandonAll(): void {
    // What the worker has asked for and was not begun is not begun any more: nobody would watch over it.
    this.#abandoned += 1;
    this.#limit.clearQueue();
    for (const batch of this.#batches) {
      for (const ping of batch.out()) ping.conclude({ result: 'abandoned' });
    }
  }

  /** Resolves when each of these is answered, or has been silent for the grace time. */
  #pingBatch(ids: Uint32Array): Promise<Batch> {
    return new Promise((resolve) => {
      const batch = new Batch(this.#prober);
      // Before its pings begin: a listener may stop the agent in between.
      this.#batches.add(batch);
      for (const id of ids) this.#ping(id, batch);
      if (batch.isOver) {
        this.#batches.delete(batch);
        resolve(batch);
        return;
      }
      let endWait = () => clearTimeout(grace);
      const grace = setTimeout(() => {
        resolve(batch);
        endWait = startDeadline(this.#leaseMs, () => this.#overdue(batch), false);
      }, this.#graceMs()).unref();
      batch.onceOver(() => {
        this.#batches.delete(batch);
        endWait();
        resolve(batch);
      });
    });
  }

  /** What one ping throws must not cost the others of its batch their lease. */
  #ping(id: number, batch: Batch): void {
    try {
      this.#prober.ping(id, batch);
    } catch (error) {
      this.#onPanic(error);
    }
  }

  /**
   * How long a silent ping keeps its place among those in flight: silence must not keep others from being sent, least of
   * all for longer than the period leaves for each.
   */
  #graceMs(): number {
    const { periodMs, timeoutMs } = this.#settings;
    const batches = Math.ceil(this.#storageCount() / this.#batchSize);
    const shareMs = (periodMs * this.#batchesAtOnce) / batches / 2;
    return Math.min(longestGraceMs, Math.max(timeoutMs / 20, 5), shareMs);
  }

  /**
   * It is the worker that ends silent pings, when it has proof. Should it have none for long, because the main loop stalls
   * again and again, the pings stay out, but not their hold on the load locks; and it may have failed.
   */
  #overdue(batch: Batch): void {
    for (const ping of batch.out()) ping.releaseLock();
    this.#onOverdue();
  }
}
