import type { Stall } from '../model/events.js';
import type { Board } from '../threads/board.js';
import { OutstandingPing } from './outstanding-ping.js';
import type { PendingStall } from './stalls.js';

/**
 * How many times in a row a ping is sent again because of stalls, without a byte in between. Repeated stalls must not
 * postpone the verdict forever: beyond this number they only pause the count of the silence.
 */
const mostResent: Readonly<Record<Stall['of'], number>> = {
  // The kernel was running, and would have received a reply.
  loop: 1,
  // The machine may have been suspended as well, and what was sent to it lost.
  process: 3,
};

/** A sweep that was requested of the main thread. */
interface Sweep {
  readonly ids: readonly number[];
  /** How many times in a row these pings have been sent again because of stalls. */
  readonly resent: number;
  /** The pings that these repeat because of a stall, by target. */
  readonly repeated: ReadonlyMap<number, OutstandingPing>;
}

const none: ReadonlyMap<number, OutstandingPing> = new Map();

/**
 * The pings that were requested and are not concluded.
 *
 * Rules:
 * - A ping is requested until the main thread is seen to have taken the request; if it is out then, it is watched. That is looked
 *   for when the loop wakes, a tick after the request at the latest: a ping that is answered sooner, as nearly all are, is never
 *   watched.
 * - A target has at most one ping here, and is not requested again before its request was taken.
 */
export class OutstandingPings {
  readonly #board: Board;
  readonly #periodMs: number;
  /** Those of which not all requests were taken. */
  readonly #sweeps = new Set<Sweep>();
  /** In which a target was requested last, until that is taken. By target: ids are slots of the board, dense and small. */
  readonly #sweepOf: (Sweep | undefined)[] = [];
  /** The number of requests that the board shows as taken when that one is. */
  readonly #takenOf: number[] = [];
  readonly #pings = new Map<number, OutstandingPing>();

  constructor(board: Board, periodMs: number) {
    this.#board = board;
    this.#periodMs = periodMs;
  }

  get isEmpty(): boolean {
    return this.#pings.size === 0 && this.#sweeps.size === 0;
  }

  /** Whether these are all, and no sweep is under way that may add others. */
  areOnly(pings: readonly OutstandingPing[]): boolean {
    return this.#sweeps.size === 0 && this.#pings.size === pings.length;
  }

  /** Catches up with what the main thread has done with the watched pings, and drops the concluded ones. */
  follow(nowMs: number): void {
    for (const ping of this.#pings.values()) {
      if (ping.follow(this.#board, nowMs) === 'concluded') this.drop(ping);
    }
  }

  /** The watched pings. Pings may be dropped during the iteration. */
  pings(): Iterable<OutstandingPing> {
    return this.#pings.values();
  }

  /**
   * Whether a target may be pinged. Not while a ping of it is out, unless that is overdue and other bytes than its reply have
   * come within the period: a new ping starts the count of the silence again, so a silence that has lasted for a period must
   * not be interrupted by one.
   */
  mayPing(id: number, nowMs: number): boolean {
    if (this.#sweepOf[id] !== undefined) return false;
    const ping = this.#pings.get(id);
    if (ping === undefined) return true;
    if (ping.state !== 'overdue' || !ping.isHeard(this.#board, nowMs)) return false;
    return this.#board.receivedAgo(id, nowMs) < this.#periodMs;
  }

  /** @param resent how many times in a row these pings have been sent again because of stalls */
  request(ids: readonly number[], resent = 0): void {
    const sweep: Sweep = { ids, resent, repeated: resent > 0 ? this.#watched(ids) : none };
    this.#sweeps.add(sweep);
    for (const id of ids) {
      this.#pings.delete(id);
      this.#takenOf[id] = (this.#board.taken(id) + 1) | 0;
      this.#sweepOf[id] = sweep;
    }
  }

  /** Takes back a request that could not be made. */
  withdraw(ids: readonly number[]): void {
    for (const id of ids) this.#sweepOf[id] = undefined;
  }

  /** Watches the pings that are out of the requests that were taken. */
  addTaken(): void {
    for (const sweep of this.#sweeps) {
      let isOpen = false;
      for (const id of sweep.ids) {
        if (this.#sweepOf[id] !== sweep) continue;
        if ((((this.#takenOf[id] as number) - this.#board.taken(id)) | 0) > 0) isOpen = true;
        else this.#add(id, sweep);
      }
      if (!isOpen) this.#sweeps.delete(sweep);
    }
  }

  /**
   * The targets that have sent nothing since before a stall and may be pinged again, keyed by how many times in a row that
   * will be.
   *
   * @param freshMs pings that were sent less than this ago are left: they have not been out in the stall
   */
  silentThrough(
    { sinceMs, of }: PendingStall,
    nowMs: number,
    freshMs: number,
  ): ReadonlyMap<number, readonly number[]> {
    const silent = new Map<number, number[]>();
    for (const ping of this.#pings.values()) {
      if (!ping.isCounting || this.#board.sentAgo(ping.id, nowMs) < freshMs) continue;
      if (this.#board.receivedAgo(ping.id, nowMs) <= nowMs - sinceMs) continue;
      if (ping.resent >= mostResent[of]) continue;
      const ids = silent.get(ping.resent + 1);
      if (ids === undefined) silent.set(ping.resent + 1, [ping.id]);
      else ids.push(ping.id);
    }
    return silent;
  }

  drop(ping: OutstandingPing): void {
    this.#pings.delete(ping.id);
  }

  clear(): void {
    this.#sweeps.clear();
    this.#sweepOf.length = 0;
    this.#pings.clear();
  }

  #watched(ids: readonly number[]): Map<number, OutstandingPing> {
    const watched = new Map<number, OutstandingPing>();
    for (const id of ids) {
      const ping = this.#pings.get(id);
      if (ping !== undefined) watched.set(id, ping);
    }
    return watched;
  }

  #add(id: number, { resent, repeated }: Sweep): void {
    this.#sweepOf[id] = undefined;
    if (this.#board.state(id) === 'concluded') return;
    this.#pings.set(id, new OutstandingPing(id, this.#board, resent, repeated.get(id)));
  }
}
