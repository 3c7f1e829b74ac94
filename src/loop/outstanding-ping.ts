import type { Delivery } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import type { Budgets } from '../threads/budgets.js';
import { moved, type PingMove, type PingState } from '../threads/ping-state.js';
import type { Span, Stalls } from './stalls.js';

/**
 * In bytes. A ping with more than this ahead of it is looked up in the system's table before its timeout: on a slow line they
 * may take a good part of that. Less is carried well within it.
 */
const muchAhead = 16 * 1024;

/**
 * One ping that was not answered at once.
 *
 * Rules:
 * - A peer's silence is counted in *proven* time only: from the moment the ping was written, or the last byte came after it,
 *   up to when the last completed turn was requested, less the time in which this process did not listen. Everything that
 *   the peer sent within that time has been read.
 * - A ping behind other bytes, as in a long upload, has not reached its peer yet. When a look at the system's table finds
 *   that some of those were acknowledged since the look before, the silence starts again, as if a byte had come.
 */
export class OutstandingPing {
  readonly id: number;
  /** How many times in a row it was sent again because of a stall, without a byte from the peer in between. */
  readonly resent: number;
  /** The ping's number on the board. */
  readonly number: number;
  /** For how long the peer has provably been silent, in milliseconds. */
  silentMs = 0;
  /** For how long the peer had been silent before, on the same connection, after the pings that this one repeats. */
  silentBeforeMs = 0;
  /** For how much silence the last look has allowed, beyond the timeout: no verdict is due before. */
  patienceMs = 0;

  #state: PingState = 'waiting';
  /** Up to when the silence has been counted; `undefined` until the ping is known to be written. */
  #accountedMs: number | undefined;
  /** From when the silence is counted. */
  #sinceMs = Number.NEGATIVE_INFINITY;
  /** How many bytes, the ping's included, were not acknowledged at the last look; `undefined` before the first. */
  #undelivered: number | undefined;
  /** Whether a look has found it acknowledged. */
  #isDelivered = false;
  /** Whether a look has found it behind other bytes. */
  #wasBehind = false;
  /** That of the connection that it was written to; `undefined` before. */
  #generation: number | undefined;
  /** The one that it repeats because of a stall, until it is written. */
  #repeated: OutstandingPing | undefined;

  constructor(id: number, board: Board, resent = 0, repeated?: OutstandingPing) {
    this.id = id;
    this.resent = resent;
    this.#repeated = repeated;
    this.number = board.number(id);
  }

  get state(): PingState {
    return this.#state;
  }

  /** Whether it is written, and the peer's silence is being counted. */
  get isCounting(): boolean {
    return this.#accountedMs !== undefined;
  }

  move(move: PingMove): void {
    this.#state = moved(this.#state, move);
  }

  /** Catches up with what the main thread has written on the board. Returns the state. */
  follow(board: Board, nowMs: number): PingState {
    if (this.#state === 'concluded') return this.#state;
    // A vacated slot has no ping under way, and a slot that is used again goes on numbering its pings.
    const now = board.number(this.id) === this.number ? board.state(this.id) : 'concluded';
    if (now === 'concluded') this.move('concluded');
    else if (now === 'waiting' && this.#state !== 'waiting' && this.#state !== 'unlocked') this.#callOff();
    else if (now === 'queued' && (this.#state === 'waiting' || this.#state === 'unlocked'))
      this.move('queued');
    else if (now === 'sent' && this.#accountedMs === undefined) {
      this.move('written');
      this.#countFrom(nowMs - board.sentAgo(this.id, nowMs));
      this.#generation = board.generation(this.id);
      this.#inheritSilence(board, nowMs);
    }
    return this.#state;
  }

  /** What the ping that it repeats was silent for counts, unless there is another connection, or a byte has come since. */
  #inheritSilence(board: Board, nowMs: number): void {
    const repeated = this.#repeated;
    this.#repeated = undefined;
    if (repeated === undefined || repeated.#generation !== this.#generation) return;
    // In the board's whole milliseconds, as in `account`.
    const heardMs = Math.floor(nowMs) - board.receivedAgo(this.id, nowMs);
    if (heardMs > Math.floor(repeated.#sinceMs)) return;
    this.silentBeforeMs = repeated.silentBeforeMs + repeated.silentMs;
  }

  /**
   * In how many milliseconds from `nowMs` a decision may be reached: at the end of the lock's budget, or of the timeout if
   * no byte comes and no time is lost until then.
   */
  decidedInMs(board: Board, { lockMs, timeoutMs }: Budgets, nowMs: number): number {
    if (this.#accountedMs !== undefined) return this.#accountedMs + timeoutMs - this.silentMs - nowMs;
    return this.#state === 'waiting' ? lockMs - board.startedAgo(this.id, nowMs) : Infinity;
  }

  /** Whether a byte has come since the ping was written. */
  isHeard(board: Board, nowMs: number): boolean {
    return board.receivedAgo(this.id, nowMs) < board.sentAgo(this.id, nowMs);
  }

  /** Whether bytes are flowing: some have come since the ping was written, or others were going out before it. */
  isAtWork(board: Board, nowMs: number): boolean {
    return this.#wasBehind || this.isHeard(board, nowMs);
  }

  /** Whether it may be behind other bytes, so that it has to be looked up before the timeout. */
  isBehind(board: Board): boolean {
    return this.isCounting && !this.#isDelivered && (board.ahead(this.id) ?? 0) > muchAhead;
  }

  /**
   * Extends the proven silence by a completed turn of the main loop.
   *
   * @param turn from when it was requested until it completed
   */
  account(board: Board, turn: Span, stalls: Stalls): void {
    if (this.#accountedMs === undefined) return;
    // In the board's whole milliseconds: the same byte must not look newer by a fraction.
    const heardMs = Math.floor(turn.toMs) - board.receivedAgo(this.id, turn.toMs);
    if (this.isHeard(board, turn.toMs)) this.#countFrom(heardMs);
    const fromMs = this.#accountedMs;
    if (turn.fromMs <= fromMs) return;
    this.silentMs += turn.fromMs - fromMs - stalls.lostWithin(fromMs, turn.fromMs);
    this.#accountedMs = turn.fromMs;
  }

  /**
   * Records what a look at the system's table has shown.
   *
   * @returns how far the ping has got, by this look and earlier ones: once delivered, it stays delivered
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
    // With little ahead of it, what is going out is the ping itself, or what was written after it.
    if ((board.ahead(this.id) ?? Infinity) <= muchAhead) return state;
    const isUnderWay = undelivered > 0 && (state === 'under way' || state === 'unknown');
    // While this process holds some bytes back, more of them on their way is progress, too: the system's buffer had room.
    const hasMoved =
      before !== undefined && (undelivered < before || (!isHandedOver && undelivered !== before));
    if (before === undefined ? isUnderWay : hasMoved) {
      this.#wasBehind = true;
      this.#countFrom(nowMs);
    }
    return state;
  }

  /** It waits behind a request now: whatever is known of it was known of a ping that had to be answered. */
  #callOff(): void {
    this.move('calledOff');
    this.silentMs = 0;
    this.silentBeforeMs = 0;
    this.patienceMs = 0;
    this.#accountedMs = undefined;
    this.#sinceMs = Number.NEGATIVE_INFINITY;
    this.#undelivered = undefined;
    this.#isDelivered = false;
    this.#wasBehind = false;
  }

  /** Starts counting the silence again from `ms`, unless it is counted from a later moment already. */
  #countFrom(ms: number): void {
    if (ms <= this.#sinceMs) return;
    this.silentBeforeMs = 0;
    this.patienceMs = 0;
    this.#sinceMs = ms;
    this.#accountedMs = ms;
    this.silentMs = 0;
  }
}
