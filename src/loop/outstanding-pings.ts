import type { Stall } from '../model/events.js';
import type { Board } from '../threads/board.js';
import { OutstandingPing } from './outstanding-ping.js';
import type { PendingStall } from './stalls.js';

/**
 * How often a ping is sent afresh after stalls that follow one another, with nothing heard in between. Repeated
 * stalls must not postpone the verdict forever: from then on they only pause the count of the silence.
 */
const mostResent: Readonly<Record<Stall['of'], number>> = {
  // The process ran, and its kernel with it: an answer would have reached that.
  loop: 1,
  // The machine may have been away as well, and what was sent to it lost.
  process: 3,
};

/** One sweep that the main thread was asked for, and has not come back. */
export interface Request {
  readonly ids: readonly number[];
  readonly atMs: number;
  /** How often in a row these pings were sent afresh. */
  readonly resent: number;
}

/**
 * The pings that were asked for and are not concluded.
 *
 * A ping is `requested` until its sweep comes back, or takes so long that it is looked at meanwhile; then it is watched, if
 * it is out still. What is answered at once, as nearly all is, never is. A storage has one ping here at most: a request
 * that another one has overtaken changes nothing any more when it comes back.
 */
export class OutstandingPings {
  readonly #board: Board;
  readonly #periodMs: number;
  readonly #requests = new Set<Request>();
  /** By storage: ids are slots of the board, few and dense. */
  readonly #requestOf: (Request | undefined)[] = [];
  readonly #pings = new Map<number, OutstandingPing>();

  constructor(board: Board, periodMs: number) {
    this.#board = board;
    this.#periodMs = periodMs;
  }

  get isEmpty(): boolean {
    return this.#pings.size === 0 && this.#requests.size === 0;
  }

  /** Takes over what the main thread has done with those that are watched, and drops those that it has concluded. */
  follow(nowMs: number): void {
    for (const ping of this.#pings.values()) {
      if (ping.follow(this.#board, nowMs) === 'concluded') this.drop(ping);
    }
  }

  /** Of those that are watched. One may be dropped while they are gone through. */
  pings(): Iterable<OutstandingPing> {
    return this.#pings.values();
  }

  /**
   * Whether a storage may be pinged. One whose ping is still out may not, unless the ping's time is over and other bytes
   * than the answer have come lately: with a repetition the silence is counted anew, so one that has lasted for a period
   * must go on being counted.
   */
  mayPing(id: number, nowMs: number): boolean {
    if (this.#requestOf[id] !== undefined) return false;
    const ping = this.#pings.get(id);
    return (
      ping === undefined || (ping.state === 'overdue' && this.#board.receivedAgo(id, nowMs) < this.#periodMs)
    );
  }

  request(request: Request): void {
    this.#requests.add(request);
    for (const id of request.ids) {
      this.#pings.delete(id);
      this.#requestOf[id] = request;
    }
  }

  /** The sweep has come back. @param out whose ping is out still */
  returned(request: Request, out: readonly number[]): void {
    for (const id of out) this.#add(id, request);
    for (const id of request.ids) if (this.#requestOf[id] === request) this.#requestOf[id] = undefined;
    this.#requests.delete(request);
  }

  /** From a sweep that takes its time, as when there are few places for pings: those that have begun are watched now. */
  addBegun(nowMs: number): void {
    for (const request of this.#requests) {
      for (const id of request.ids) {
        // In the board's whole milliseconds: one that was begun at once is not older than its request.
        const askedAgoMs = Math.floor(nowMs) - Math.floor(request.atMs);
        if (this.#board.startedAgo(id, nowMs) <= askedAgoMs) this.#add(id, request);
      }
    }
  }

  /** Storages that have sent nothing since before a stall, and may be pinged afresh; by how often in a row that makes. */
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
    this.#pings.set(id, new OutstandingPing(id, this.#board, request.resent));
  }
}
