import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { systemClock } from '../async/clock.js';
import { startDeadline } from '../async/deadline.js';
import type { Board } from '../threads/board.js';
import { budgetsFor } from '../threads/budgets.js';
import type { Ping } from './ping/ping.js';
import type { Prober } from './prober.js';
import type { Settings } from './settings.js';

/** How far beyond its timeout a ping may be before the worker is asked whether it runs: more than the promised bound. */
const leaseMarginMs = 1500;
/**
 * At most this many pings share one concurrency slot, so that the limiter costs once for all of them, and are begun in one turn
 * of the main loop, which takes a millisecond or less.
 */
const largestBatch = 32;
/** A sweep stops yielding to the main loop after this time: a slow one must not delay the rest of the sweep. */
const yieldsForMs = 100;
const longestGraceMs = 50;

export interface SweeperOptions {
  readonly settings: Settings;
  readonly board: Board;
  readonly prober: Prober;
  /** How many targets there are. */
  readonly targetCount: () => number;
  /** A ping is out so long after its timeout that the worker may have failed. */
  readonly onOverdue: () => void;
  /** The prober threw, which it must not. */
  readonly onPanic: (error: unknown) => void;
}

/**
 * Begins the pings of a sweep, batch by batch, within the limit of pings in flight.
 *
 * Rules:
 * - Each request of the worker is taken, unless all are abandoned: what a ping throws does not affect the others.
 * - Silence does not keep other pings from being sent: a ping without a reply counts as in flight for the grace time only.
 * - The worker ends silent pings. In case it has failed, each ping that is out after the grace time has a lease, after which it
 *   no longer holds its lock.
 */
export class Sweeper {
  readonly #board: Board;
  readonly #prober: Prober;
  readonly #settings: Settings;
  readonly #targetCount: () => number;
  readonly #onOverdue: () => void;
  readonly #onPanic: (error: unknown) => void;
  readonly #batchSize: number;
  readonly #batchesAtOnce: number;
  readonly #limit: LimitFunction;
  readonly #leaseMs: number;
  /** Pings that were begun together and are out, in part at least. */
  readonly #batches = new Set<Ping[]>();
  /** When the turn comes that was given away last. */
  #turn: Promise<void> = Promise.resolve();
  /** How often all pings were abandoned. */
  #abandoned = 0;

  constructor({ settings, board, prober, targetCount, onOverdue, onPanic }: SweeperOptions) {
    const { concurrency, timeoutMs } = settings;
    this.#board = board;
    this.#prober = prober;
    this.#settings = settings;
    this.#targetCount = targetCount;
    this.#onOverdue = onOverdue;
    this.#onPanic = onPanic;
    this.#batchSize = Math.max(1, Math.min(largestBatch, Math.floor(concurrency / 4)));
    this.#batchesAtOnce = Math.floor(concurrency / this.#batchSize);
    this.#limit = pLimit(this.#batchesAtOnce);
    this.#leaseMs = budgetsFor(timeoutMs).lockMs + timeoutMs + leaseMarginMs;
  }

  /** Pings these targets, in batches. The board shows when the request for each was taken. */
  sweep(ids: Uint32Array): void {
    const abandoned = this.#abandoned;
    const yieldsUntilMs = systemClock.now() + yieldsForMs;
    for (let from = 0; from < ids.length; from += this.#batchSize) {
      this.#limit(async () => {
        if (from > 0) await this.#ownTurn(yieldsUntilMs);
        if (abandoned === this.#abandoned) await this.#pingBatch(ids.subarray(from, from + this.#batchSize));
      }).catch(this.#onPanic);
    }
  }

  /** Resolves in a turn of the main loop in which no other batch begins that has waited for one; at once after that time. */
  #ownTurn(untilMs: number): Promise<void> {
    // Looked at when its turn comes: those before it may have been long.
    this.#turn = this.#turn.then(() => (systemClock.now() < untilMs ? nextTurn() : undefined));
    return this.#turn;
  }

  /** Puts on the board what has passed on the connections that are being pinged. */
  noteTraffic(): void {
    for (const pings of this.#batches) for (const ping of pings) if (!ping.ended) ping.noteTraffic();
  }

  /** Ends every ping, as when the worker that watched over them is gone. The locks come free. */
  abandonAll(): void {
    // Pings that the worker has asked for and that were not begun are dropped: nobody would watch over them.
    this.#abandoned += 1;
    this.#limit.clearQueue();
    this.#prober.abandonAll();
  }

  /** Resolves when each of these is answered, or has been silent for the grace time. */
  #pingBatch(ids: Uint32Array): Promise<void> {
    return new Promise((resolve) => {
      const pings: Ping[] = [];
      // One more than are out, until all are begun.
      let outCount = 1;
      let endWait = () => {};
      const ended = () => {
        outCount -= 1;
        if (outCount > 0) return;
        this.#batches.delete(pings);
        endWait();
        resolve();
      };
      this.#batches.add(pings);
      for (const id of ids) {
        outCount += 1;
        const ping = this.#begin(id, ended);
        if (ping === undefined) outCount -= 1;
        else if (!ping.ended) pings.push(ping);
      }
      if (outCount > 1) {
        const grace = setTimeout(() => {
          resolve();
          const awaitLease = () => {
            // Again and again, as a ping may get its lock only after a lease has expired.
            endWait = startDeadline(
              this.#leaseMs,
              () => {
                awaitLease();
                this.#overdue(pings);
              },
              false,
            );
          };
          awaitLease();
        }, this.#graceMs()).unref();
        endWait = () => clearTimeout(grace);
      }
      ended();
    });
  }

  /** What one ping throws must not cost the others of its batch their lease, nor its target the next ping. */
  #begin(id: number, onEnded: () => void): Ping | undefined {
    try {
      return this.#prober.begin(id, onEnded);
    } catch (error) {
      this.#onPanic(error);
      return undefined;
    } finally {
      this.#board.requestTaken(id);
    }
  }

  /**
   * How long a silent ping keeps its place among those in flight: silence must not keep others from being sent, least of
   * all for longer than the period leaves for each.
   */
  #graceMs(): number {
    const { periodMs, timeoutMs } = this.#settings;
    const batches = Math.ceil(this.#targetCount() / this.#batchSize);
    const shareMs = (periodMs * this.#batchesAtOnce) / batches / 2;
    return Math.min(longestGraceMs, Math.max(timeoutMs / 20, 5), shareMs);
  }

  /**
   * It is the worker that ends silent pings, when it has proof. Should it have none for long, because the main loop stalls
   * again and again, the pings stay out, but not their hold on the locks; and it may have failed.
   */
  #overdue(pings: readonly Ping[]): void {
    for (const ping of pings) ping.releaseLock();
    this.#onOverdue();
  }
}
