import { type Board, phase } from '../threads/board.js';

/** How long the loop waits for what, in milliseconds; all derived from the timeout. */
export interface Budgets {
  /** How long a peer may provably be silent after a ping. */
  readonly timeoutMs: number;
  /** How long a ping waits for the load lock before it goes out without it. */
  readonly lockMs: number;
  /** How often the loop looks while a ping is out. */
  readonly tickMs: number;
  /** A main loop that takes longer than this for a turn stood still. */
  readonly loopStallMs: number;
  /** A worker that wakes later than this after its time did not run. */
  readonly processStallMs: number;
  /** Within so long of the end of a standstill that lasted for the timeout every storage is pinged. */
  readonly afreshMs: number;
}

/** A time, by the system's monotonic clock. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the board says of the ping. */
export type Standing = 'waiting' | 'sent' | 'concluded';

/**
 * One ping that has not been answered at once.
 *
 * A peer's silence is counted in *proven* time only: from the moment the ping was sent, or the last byte came after it, up
 * to the beginning of the last turn that polled the sockets, less the time in which the main loop stood still. Whatever
 * the peer sent within that time has been read.
 */
export class Watch {
  readonly id: number;
  /** How often it was sent afresh because of a stall, with nothing heard of the storage in between. */
  readonly resent: number;
  /** The load lock's budget is used up, and the main thread has been told. */
  lockGivenUp = false;
  /** It was out for the timeout, with other bytes coming or going, and gave the load lock back. */
  lockGivenBack = false;
  /** The system could not tell yet whether the silence is one; until when it is not asked again. */
  undecidedUntilMs = Number.NEGATIVE_INFINITY;
  /** For how long the peer has provably been silent, in milliseconds. */
  silentMs = 0;

  /** The ping's number on the board. */
  readonly number: number;
  /** Up to when the silence is accounted for; `undefined` until the ping is seen to be sent. */
  #accountedMs: number | undefined;
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(id: number, board: Board, resent = 0) {
    this.id = id;
    this.resent = resent;
    this.number = board.number(id);
  }

  standing(board: Board): Standing {
    // A vacated slot is idle, and a slot's numbers go on when it is used again.
    if (board.number(this.id) !== this.number) return 'concluded';
    const now = board.phase(this.id);
    return now === phase.sent ? 'sent' : now === phase.waiting ? 'waiting' : 'concluded';
  }

  /**
   * In how many milliseconds, from `nowMs`, a turn may bring a decision: at the end of the load lock's budget, or of the
   * timeout, if nothing is heard or lost until then.
   */
  decidedInMs(board: Board, { lockMs, timeoutMs }: Budgets, nowMs: number): number {
    if (this.undecidedUntilMs > nowMs) return this.undecidedUntilMs - nowMs;
    if (this.#accountedMs !== undefined) return this.#accountedMs + timeoutMs - this.silentMs - nowMs;
    const isWaiting = this.standing(board) === 'waiting' && !this.lockGivenUp;
    return isWaiting ? lockMs - board.startedAgo(this.id, nowMs) : Infinity;
  }

  /** Whether a byte has come since the ping was sent. */
  isHeard(board: Board, nowMs: number): boolean {
    return board.receivedAgo(this.id, nowMs) < board.sentAgo(this.id, nowMs);
  }

  /**
   * Adds what a turn of the main loop proves of the peer's silence.
   *
   * @param turn from when it was asked for, until it had polled the sockets
   * @param lost when, since the turn before, the main loop or the process stood still
   */
  account(board: Board, turn: Span, lost: readonly Span[]): void {
    this.#accountedMs ??= turn.toMs - board.sentAgo(this.id, turn.toMs);
    // In the board's whole milliseconds: the same byte must not look newer by a fraction.
    const heardMs = Math.floor(turn.toMs) - board.receivedAgo(this.id, turn.toMs);
    if (heardMs > this.#heardMs && this.isHeard(board, turn.toMs)) {
      this.#heardMs = heardMs;
      this.#accountedMs = heardMs;
      this.silentMs = 0;
    }
    const fromMs = this.#accountedMs;
    if (turn.fromMs <= fromMs) return;
    let lostMs = 0;
    for (const span of lost) {
      lostMs += Math.max(0, Math.min(span.toMs, turn.fromMs) - Math.max(span.fromMs, fromMs));
    }
    this.silentMs += turn.fromMs - fromMs - lostMs;
    this.#accountedMs = turn.fromMs;
  }
}
