/**
 * The sleep/ping loop: when to ping, whom, and what to conclude from silence. It runs in the worker thread and touches
 * neither sockets nor locks: it reads the board and calls the main thread.
 *
 * Rules:
 * - Between two sweeps nothing wakes it, unless a ping is out. Whatever is answered at once, as nearly all is, costs it
 *   its part of a sweep and nothing else.
 * - While one is out it looks every tick, and asks the main thread for turns: a silence counts only up to a turn
 *   that polled the sockets.
 * - The time of a standstill counts for nobody's silence. After one nothing is concluded before a turn is through; after
 *   a long one everybody is pinged: what is still silent then afresh, and also who answered before he may have died in it.
 */
import type { Clock } from '../clock.js';
import { diagnose, type ReadTcpTable } from '../diagnosis.js';
import type { Board } from '../rpc/board.js';
import type { Conclusion, HostApi, LoopApi, LoopSettings, Stall } from '../rpc/contract.js';
import { Pacing } from './pacing.js';
import { budgetsFor, decide } from './verdict.js';
import { type Budgets, type Span, Watch } from './watch.js';

export interface PingLoopOptions {
  readonly settings: LoopSettings;
  readonly board: Board;
  /** The main thread; each method may also answer at once. */
  readonly host: HostApi;
  readonly clock: Clock;
  /** One look at the system's TCP connections, for diagnoses; without it there are none. */
  readonly readTcpTable?: ReadTcpTable;
  readonly random?: () => number;
}

/** Two clocks, one of which may count in whole seconds, differ by so much and were not suspended. */
const clockRoundingMs = 1500;
/**
 * How often a ping is sent afresh after standstills that follow one another, with nothing heard in between. Standing
 * still again and again must not put the verdict off for ever: from then on the silence just stands still meanwhile.
 */
const mostResent: Readonly<Record<Stall['of'], number>> = {
  // The process ran, and its kernel with it: an answer would have reached that.
  loop: 1,
  // The machine may have been away as well, and what was sent to it lost.
  process: 3,
};

/** A ping that the main thread has been asked for. */
interface Request {
  readonly atMs: number;
  /** How often in a row it was sent afresh. */
  readonly resent: number;
}

export class PingLoop implements LoopApi {
  readonly #board: Board;
  readonly #host: HostApi;
  readonly #clock: Clock;
  readonly #readTcpTable: ReadTcpTable;
  readonly #pacing: Pacing;
  readonly #periodMs: number;
  readonly #budgets: Budgets;
  /** Who is in a sweep that has not come back. */
  readonly #requested = new Map<number, Request>();
  /** Whose ping was not answered at once. */
  readonly #watches = new Map<number, Watch>();
  #boardVersion: number | undefined;
  /** When the turn that is under way was asked for. A turn that a standstill made worthless is forgotten. */
  #asked: { readonly requestedMs: number } | undefined;
  /** Up to when the board shows what was received: the beginning of the last turn. */
  #seenMs = Number.NEGATIVE_INFINITY;
  /** When, since then, the main loop or the process stood still. */
  #lost: Span[] = [];
  /** A standstill of the whole process that no turn has ended yet. */
  #standstill: Stall | undefined;
  /** When to look at the pings that are out. */
  #lookMs = Infinity;
  #wakeMs = 0;
  #suspendedMs: number;
  #cancelWake: (() => void) | undefined;
  #stopped = false;

  constructor(options: PingLoopOptions) {
    const { periodMs, timeoutMs, jitter } = options.settings;
    this.#board = options.board;
    this.#host = options.host;
    this.#clock = options.clock;
    this.#suspendedMs = options.clock.suspendedMs();
    this.#readTcpTable = options.readTcpTable ?? (() => undefined);
    this.#periodMs = periodMs;
    this.#budgets = budgetsFor(timeoutMs);
    this.#pacing = new Pacing({ periodMs, jitter, random: options.random ?? Math.random });
  }

  /** @param replaces a loop that was lost, with the pings that were out */
  start(replaces = false): void {
    this.#guard(() => {
      this.#arm();
      if (!replaces) return;
      // Whose ping was out, or due meanwhile, must not wait for another period.
      this.#pacing.hasten(this.#clock.now(), this.#budgets.afreshMs);
      this.#arm();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#watches.clear();
  }

  storagesChanged(): void {
    this.#guard(() => this.#arm());
  }

  alive(): true {
    return true;
  }

  #wake(): void {
    const nowMs = this.#clock.now();
    const lateMs = nowMs - this.#wakeMs + this.#newlySuspendedMs();
    if (lateMs > this.#budgets.processStallMs) {
      const stall: Stall = { of: 'process', durationMs: Math.round(lateMs) };
      if (this.#isAnyOut) this.#standstill = stall;
      else this.#stoodStill(stall);
      this.#lost.push({ fromMs: this.#wakeMs, toMs: nowMs });
      this.#asked = undefined;
    }
    const due = this.#pacing.take(nowMs).filter((id) => this.#mayPing(id, nowMs));
    this.#sweep(due);
    if (nowMs < this.#lookMs && this.#standstill === undefined) return;
    this.#watchBegun(nowMs);
    this.#judge(nowMs);
    this.#askForTurn(nowMs);
    this.#lookMs = this.#nextLookMs(nowMs);
  }

  get #isAnyOut(): boolean {
    return this.#watches.size > 0 || this.#requested.size > 0;
  }

  /** How long the machine was suspended since the last look; what can be the two clocks' rounding does not count. */
  #newlySuspendedMs(): number {
    const suspendedMs = this.#clock.suspendedMs();
    const newlyMs = suspendedMs - this.#suspendedMs;
    this.#suspendedMs = suspendedMs;
    return newlyMs > clockRoundingMs ? newlyMs : 0;
  }

  /**
   * A ping that is still out is not repeated, unless its time is over and other bytes than the answer have come lately.
   * With a repetition the silence is counted anew, so one that has lasted for a period must go on being counted.
   */
  #mayPing(id: number, nowMs: number): boolean {
    if (this.#requested.has(id)) return false;
    const watch = this.#watches.get(id);
    return (
      watch === undefined || (watch.lockGivenBack && this.#board.receivedAgo(id, nowMs) < this.#periodMs)
    );
  }

  /** @param resent how often in a row these are sent afresh */
  #sweep(ids: readonly number[], resent = 0): void {
    if (ids.length === 0) return;
    const request: Request = { atMs: this.#clock.now(), resent };
    for (const id of ids) {
      this.#watches.delete(id);
      this.#requested.set(id, request);
    }
    if (this.#lookMs === Infinity) this.#lookMs = request.atMs + this.#budgets.tickMs;
    const sweep = async () => this.#host.sweep(Uint32Array.from(ids));
    sweep()
      .catch((error) => {
        this.#panicked(error);
        return [];
      })
      .then((out) => this.#guard(() => this.#swept(ids, out)));
  }

  #swept(ids: readonly number[], out: readonly number[]): void {
    for (const id of out) this.#watch(id);
    for (const id of ids) this.#requested.delete(id);
    if (!this.#isAnyOut) this.#lookMs = Infinity;
    this.#arm();
  }

  /** From a sweep that takes its time, as when there are few places for pings: those that have begun are watched now. */
  #watchBegun(nowMs: number): void {
    for (const [id, { atMs }] of this.#requested) {
      if (this.#board.startedAgo(id, nowMs) <= nowMs - atMs) this.#watch(id);
    }
  }

  #watch(id: number): void {
    const request = this.#requested.get(id);
    // Otherwise it is watched already, or was and has ended.
    if (request === undefined) return;
    this.#requested.delete(id);
    this.#watches.set(id, new Watch(id, this.#board, request.resent));
  }

  #judge(nowMs: number): void {
    const silent: Watch[] = [];
    for (const watch of this.#watches.values()) {
      if (watch.standing(this.#board) === 'concluded') {
        this.#watches.delete(watch.id);
        continue;
      }
      if (this.#standstill !== undefined) continue;
      const decision = decide(watch, this.#board, this.#budgets, nowMs, this.#seenMs);
      // A look at the system costs: what it could not decide it is not asked again at once.
      if (decision === 'dead' && nowMs >= watch.undecidedUntilMs) silent.push(watch);
      else if (decision === 'dead') continue;
      else if (decision !== undefined) this.#conclude(watch, { verdict: decision });
    }
    if (silent.length > 0) this.#bury(silent);
  }

  /** One look at the system for all of them; it may know that one is not dead after all. */
  #bury(silent: readonly Watch[]): void {
    const wanted = silent.map(({ id }) => this.#board.ports(id)).filter((ports) => ports !== undefined);
    const table = this.#readTcpTable(wanted);
    for (const watch of silent) {
      const ports = this.#board.ports(watch.id);
      const diagnosis = diagnose(ports && table?.find(ports), this.#board.sentSince(watch.id));
      if (diagnosis === undefined) {
        watch.undecidedUntilMs = this.#clock.now() + this.#budgets.timeoutMs / 2;
        if (!watch.lockGivenBack) this.#conclude(watch, { verdict: 'slow' });
        continue;
      }
      this.#conclude(watch, { verdict: 'dead', silentMs: Math.round(watch.silentMs), diagnosis });
    }
  }

  #conclude(watch: Watch, conclusion: Conclusion): void {
    if (conclusion.verdict === 'busy') watch.lockGivenUp = true;
    else if (conclusion.verdict === 'slow') watch.lockGivenBack = true;
    else this.#watches.delete(watch.id);
    this.#tell(() => this.#host.conclude(watch.id, this.#board.number(watch.id), conclusion));
  }

  #askForTurn(nowMs: number): void {
    if (!this.#isAnyOut || this.#asked !== undefined) return;
    const asked = { requestedMs: nowMs };
    this.#asked = asked;
    const turn = async () => this.#host.turn();
    turn().then(
      () => this.#guard(() => this.#asked === asked && this.#turned(asked.requestedMs)),
      (error) => {
        this.#asked = undefined;
        this.#panicked(error);
      },
    );
  }

  #turned(requestedMs: number): void {
    const nowMs = this.#clock.now();
    const turn: Span = { fromMs: requestedMs, toMs: nowMs };
    const durationMs = Math.round(nowMs - requestedMs);
    const isStalled = durationMs > this.#budgets.loopStallMs;
    this.#asked = undefined;
    for (const watch of this.#watches.values()) {
      if (watch.standing(this.#board) === 'sent') watch.account(this.#board, turn, this.#lost);
    }
    // What is proven ends where this turn began: its own standstill is lost for the next one.
    this.#lost = isStalled ? [turn] : [];
    this.#seenMs = requestedMs;

    const stall = this.#standstill ?? (isStalled ? ({ of: 'loop', durationMs } as const) : undefined);
    this.#standstill = undefined;
    if (stall !== undefined) this.#stoodStill(stall);
    this.#judge(nowMs);
    this.#lookMs = this.#nextLookMs(nowMs);
    this.#arm();
  }

  /** A standstill is over, and a turn has read whatever had arrived in the meantime. */
  #stoodStill(stall: Stall): void {
    this.#tell(() => this.#host.stalled(stall));
    // A shorter one is not counted, and that is all: whatever arrived in it has been read now.
    if (stall.durationMs < this.#budgets.timeoutMs) return;
    const nowMs = this.#clock.now();
    this.#pingAfresh(stall, nowMs);
    // A peer may have answered, and died while nobody could ask it again.
    this.#pacing.hasten(nowMs, this.#budgets.afreshMs);
  }

  /** What is still silent gets a new ping and a new deadline: the network may have been away as well. */
  #pingAfresh(stall: Stall, nowMs: number): void {
    // In one sweep those that have been sent afresh as often.
    const afresh = new Map<number, number[]>();
    for (const watch of this.#watches.values()) {
      if (watch.standing(this.#board) !== 'sent') continue;
      if (this.#board.receivedAgo(watch.id, nowMs) <= stall.durationMs) continue;
      if (watch.resent >= mostResent[stall.of]) continue;
      const resent = watch.resent + 1;
      const ids = afresh.get(resent);
      if (ids === undefined) afresh.set(resent, [watch.id]);
      else ids.push(watch.id);
    }
    for (const [resent, ids] of afresh) this.#sweep(ids, resent);
  }

  #arm(): void {
    const nowMs = this.#clock.now();
    if (this.#board.version !== this.#boardVersion) {
      this.#boardVersion = this.#board.version;
      this.#pacing.update(this.#board.occupied(), nowMs);
    }
    const wakeMs = Math.min(this.#pacing.nextDueMs ?? Infinity, this.#lookMs);
    if (this.#cancelWake !== undefined && wakeMs === this.#wakeMs) return;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (wakeMs === Infinity || this.#stopped) return;
    this.#wakeMs = wakeMs;
    // Rounded up: a timer that fires a fraction early would find nothing due, and wake twice.
    const delayMs = Math.ceil(Math.max(0, wakeMs - nowMs));
    this.#cancelWake = this.#clock.schedule(() => {
      this.#cancelWake = undefined;
      this.#guard(() => this.#wake());
      this.#guard(() => this.#arm());
    }, delayMs);
  }

  /** The next tick, or the first deadline if that is sooner; never while nothing is out. */
  #nextLookMs(nowMs: number): number {
    if (!this.#isAnyOut) return Infinity;
    let delayMs = this.#budgets.tickMs;
    // A silence does not grow before the turn that is under way.
    if (this.#asked !== undefined) return nowMs + delayMs;
    for (const watch of this.#watches.values()) {
      delayMs = Math.min(delayMs, watch.decidedInMs(this.#board, this.#budgets, nowMs));
    }
    return nowMs + Math.max(1, delayMs);
  }

  /** Nothing that goes wrong in one round may end the loop. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#panicked(error);
    }
  }

  #panicked(error: unknown): void {
    this.#tell(() => this.#host.panicked(error instanceof Error ? error : new Error(String(error))));
  }

  /** A call that nobody waits for. Its failure must not become a rejection that nobody handles: that ends the thread. */
  #tell(call: () => unknown): void {
    const told = async () => call();
    told().catch(() => {});
  }
}
