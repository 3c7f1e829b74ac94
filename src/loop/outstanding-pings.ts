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

/** A sweep that was requested of the main thread and has not returned. */
export interface Request {
  readonly ids: readonly number[];
  readonly atMs: number;
  /** How many times in a row these pings have been sent again because of stalls. */
  readonly resent: number;
}

/**
 * The pings that were requested and are not concluded.
 *
 * Rules:
 * - A ping is requested until its sweep returns, or has taken longer than a tick; if it is still out then, it is watched. A
 *   ping that is answered at once, as nearly all are, is never watched.
 * - A target has at most one ping here. A request that was superseded by a later one has no effect when it returns.
 */
export class OutstandingPings {
  readonly #board: Board;
  readonly #periodMs: number;
  /** With the pings that each repeats because of a stall, by target. */
  readonly #requests = new Map<Request, Map<number, OutstandingPing>>();
  /** By target: ids are slots of the board, dense and small. */
  readonly #requestOf: (Request | undefined)[] = [];
  readonly #pings = new Map<number, OutstandingPing>();

  constructor(board: Board, periodMs: number) {
    this.#board = board;
    this.#periodMs = periodMs;
  }

  get isEmpty(): boolean {
    return this.#pings.size === 0 && this.#requests.size === 0;
  }

  /** Whether these are all, and no sweep is under way that may add others. */
  areOnly(pings: readonly OutstandingPing[]): boolean {
    return this.#requests.size === 0 && this.#pings.size === pings.length;
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
    if (this.#requestOf[id] !== undefined) return false;
    const ping = this.#pings.get(id);
    if (ping === undefined) return true;
    if (ping.state !== 'overdue' || !ping.isHeard(this.#board, nowMs)) return false;
    return this.#board.receivedAgo(id, nowMs) < this.#periodMs;
  }

  request(request: Request): void {
    const repeated = new Map<number, OutstandingPing>();
    this.#requests.set(request, repeated);
    for (const id of request.ids) {
      const ping = request.resent > 0 ? this.#pings.get(id) : undefined;
      if (ping !== undefined) repeated.set(id, ping);
      this.#pings.delete(id);
      this.#requestOf[id] = request;
    }
  }

  /** Ends a request whose sweep has returned. @param out the targets whose pings are still out */
  returned(request: Request, out: readonly number[]): void {
    for (const id of out) this.#add(id, request);
    for (const id of request.ids) if (this.#requestOf[id] === request) this.#requestOf[id] = undefined;
    this.#requests.delete(request);
  }

  /** Watches the pings that have begun in sweeps that have not returned, as when `concurrency` is low. */
  addBegun(nowMs: number): void {
    for (const request of this.#requests.keys()) {
      for (const id of request.ids) {
        // In the board's whole milliseconds, so that a ping that was begun at once is not older than its request.
        const askedAgoMs = Math.floor(nowMs) - Math.floor(request.atMs);
        if (this.#board.startedAgo(id, nowMs) <= askedAgoMs) this.#add(id, request);
      }
    }
  }

  /**
   * The targets that have sent nothing since before a stall and may be pinged again, keyed by how many times in a row that
   * will be.
   */
  silentThrough({ sinceMs, of }: PendingStall, nowMs: number): ReadonlyMap<number, readonly number[]> {
    const silent = new Map<number, number[]>();
    for (const ping of this.#pings.values()) {
      if (!ping.isCounting) continue;
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
    this.#requests.clear();
    this.#requestOf.length = 0;
    this.#pings.clear();
  }

  #add(id: number, request: Request): void {
    if (this.#requestOf[id] !== request) return;
    this.#requestOf[id] = undefined;
    const repeated = this.#requests.get(request)?.get(id);
    this.#pings.set(id, new OutstandingPing(id, this.#board, request.resent, repeated));
  }
}
