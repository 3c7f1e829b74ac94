import type { Delivery } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import type { Budgets } from '../threads/budgets.js';
import { moved, type PingMove, type PingState } from '../threads/ping-state.js';
import type { Span, Stalls } from './stalls.js';

/**
 * A ping that had more than this written before it is looked up in the system's table before its timeout, in bytes: it takes
 * even a slow line a part of that to carry so much.
 */
const muchAhead = 16 * 1024;

/**
 * One ping that has not been answered at once.
 *
 * A peer's silence is counted in *proven* time only: from the moment the ping was written, or the last byte came after it,
 * up to the beginning of the last turn that polled the sockets, less the time in which this process did not listen. Whatever
 * the peer sent within that time has been read.
 *
 * A ping that lies behind other bytes, as in a long upload, has not reached its peer yet: a look at the system's table that
 * finds some of those acknowledged since the look before counts as if a byte had come.
 */
export class OutstandingPing {
  readonly id: number;
  /** How often it was sent afresh because of a stall, with nothing heard of the storage in between. */
  readonly resent: number;
  /** The ping's number on the board. */
  readonly number: number;
  /** For how long the peer has provably been silent, in milliseconds. */
  silentMs = 0;
  /** A look since that silence has lasted for the timeout has not decided what it is. */
  isUndecided = false;

  #state: PingState = 'waiting';
  /** Up to when the silence is accounted for; `undefined` until the ping is seen to be written. */
  #accountedMs: number | undefined;
  /** From when on the silence is counted. */
  #sinceMs = Number.NEGATIVE_INFINITY;
  /** How many bytes up to the ping's end were on their way at the last look; `undefined` before the first. */
  #undelivered: number | undefined;
  /** Whether a look has found it acknowledged. */
  #isDelivered = false;
  /** Whether it has been seen to wait behind other bytes. */
  #wasBehind = false;
  /** When the system was last asked about a ping that waits behind a request. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Whether nothing was acknowledged then. */
  #isUnanswered = false;
  /** How much time was lost since then, as far as it was accounted for. */
  #lostMs = 0;
  #lostToMs = Number.NEGATIVE_INFINITY;

  constructor(id: number, board: Board, resent = 0) {
    this.id = id;
    this.resent = resent;
    this.number = board.number(id);
  }

  get state(): PingState {
    return this.#state;
  }

  /** Whether it is out, and its peer's silence counts. */
  get isCounting(): boolean {
    return this.#accountedMs !== undefined;
  }

  move(move: PingMove): void {
    this.#state = moved(this.#state, move);
  }

  /** Takes over what the main thread has done with it since. */
  follow(board: Board, nowMs: number): PingState {
    if (this.#state === 'concluded') return this.#state;
    // A vacated slot has no ping under way, and a slot's numbers go on when it is used again.
    const now = board.number(this.id) === this.number ? board.state(this.id) : 'concluded';
    if (now === 'concluded') this.move('concluded');
    else if (now === 'queued' && (this.#state === 'waiting' || this.#state === 'unlocked'))
      this.move('queued');
    else if (now === 'sent' && this.#accountedMs === undefined) {
      this.move('written');
      this.#countFrom(nowMs - board.sentAgo(this.id, nowMs));
    }
    return this.#state;
  }

  /**
   * In how many milliseconds, from `nowMs`, a turn may bring a decision: at the end of the load lock's budget, or of the
   * timeout, if nothing is heard or lost until then.
   */
  decidedInMs(board: Board, { lockMs, timeoutMs }: Budgets, nowMs: number): number {
    if (this.#accountedMs !== undefined) return this.#accountedMs + timeoutMs - this.silentMs - nowMs;
    return this.#state === 'waiting' ? lockMs - board.startedAgo(this.id, nowMs) : Infinity;
  }

  /** Whether a byte has come since the ping was written. */
  isHeard(board: Board, nowMs: number): boolean {
    return board.receivedAgo(this.id, nowMs) < board.sentAgo(this.id, nowMs);
  }

  /** Whether the connection is at work: bytes have come since the ping was written, or it lay behind others that go out. */
  isAtWork(board: Board, nowMs: number): boolean {
    return this.#wasBehind || this.isHeard(board, nowMs);
  }

  /** Whether it may lie behind other bytes, so that the system has to be asked before the timeout. */
  isBehind(board: Board): boolean {
    return this.isCounting && !this.#isDelivered && (board.ahead(this.id) ?? 0) > muchAhead;
  }

  /**
   * Adds what a turn of the main loop proves of the peer's silence.
   *
   * @param turn from when it was asked for, until it had polled the sockets
   */
  account(board: Board, turn: Span, stalls: Stalls): void {
    if (this.#state === 'waiting') this.#noteLost(turn.toMs, stalls);
    if (this.#accountedMs === undefined) return;
    // In the board's whole milliseconds: the same byte must not look newer by a fraction.
    const heardMs = Math.floor(turn.toMs) - board.receivedAgo(this.id, turn.toMs);
    if (this.isHeard(board, turn.toMs)) this.#countFrom(heardMs);
    const fromMs = this.#accountedMs;
    if (turn.fromMs <= fromMs) return;
    this.silentMs += turn.fromMs - fromMs - stalls.lostWithin(fromMs, turn.fromMs);
    this.#accountedMs = turn.fromMs;
  }

  /** How long ago the system was asked about a ping that waits behind a request, in milliseconds. */
  lookedAgo(nowMs: number): number {
    return nowMs - this.#lookedMs;
  }

  /**
   * Takes over what a look has shown of the connection on which the ping waits behind a request. Its silence is the time
   * between looks that all found nothing acknowledged.
   */
  noteUnanswered(isUnanswered: boolean, nowMs: number, stalls: Stalls): void {
    const lookedMs = this.#lookedMs;
    this.#lookedMs = nowMs;
    this.#noteLost(nowMs, stalls);
    if (isUnanswered && this.#isUnanswered) this.silentMs += nowMs - lookedMs - this.#lostMs;
    else this.silentMs = 0;
    this.#isUnanswered = isUnanswered;
    this.#lostMs = 0;
  }

  /**
   * Takes over what a look at the system's table has shown.
   *
   * @returns how far the ping has got, by this look and those before: what has arrived once has arrived
   */
  noteDelivery(
    { state, undelivered, isHandedOver }: Delivery,
    board: Board,
    nowMs: number,
  ): Delivery['state'] {
    if (this.#isDelivered) return state === 'under way' ? 'delivered' : state;
    const before = this.#undelivered;
    this.#undelivered = undelivered;
    this.#isDelivered = state === 'delivered';
    // Without others before it, it is not behind: what goes out is the ping itself, or what was written after it.
    if ((board.ahead(this.id) ?? Infinity) <= muchAhead) return state;
    const isUnderWay = undelivered > 0 && (state === 'under way' || state === 'unknown');
    // While this process still has some of it, more on its way is a progress, too: the system had room.
    const hasMoved =
      before !== undefined && (undelivered < before || (!isHandedOver && undelivered !== before));
    if (before === undefined ? isUnderWay : hasMoved) {
      this.#wasBehind = true;
      this.#countFrom(nowMs);
    }
    return state;
  }

  /** Before the stalls are forgotten. */
  #noteLost(nowMs: number, stalls: Stalls): void {
    this.#lostMs += stalls.lostWithin(this.#lostToMs, nowMs);
    this.#lostToMs = nowMs;
  }

  /** Counts the silence anew, unless it is counted from a later moment already. */
  #countFrom(ms: number): void {
    if (ms <= this.#sinceMs) return;
    this.isUndecided = false;
    this.#sinceMs = ms;
    this.#accountedMs = ms;
    this.silentMs = 0;
  }
}
