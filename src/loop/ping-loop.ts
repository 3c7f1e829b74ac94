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
import type { Clock } from '../async/clock.js';
import type { Stall } from '../model/events.js';
import { diagnose, type ReadTcpTable } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import type { Conclusion, HostApi, LoopApi, LoopSettings } from '../threads/contract.js';
import { OpenPings, type Request } from './open-pings.js';
import { Pacing } from './pacing.js';
import { budgetsFor, decide } from './verdict.js';
import type { Budgets, Span, Watch } from './watch.js';

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
export class PingLoop implements LoopApi {
  readonly #board: Board;
  readonly #host: HostApi;
  readonly #clock: Clock;
  readonly #readTcpTable: ReadTcpTable;
  readonly #pacing: Pacing;
  readonly #budgets: Budgets;
  readonly #open: OpenPings;
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
    const { periodMs, timeoutMs, jitter, concurrency } = options.settings;
    this.#board = options.board;
    this.#host = options.host;
    this.#clock = options.clock;
    this.#suspendedMs = options.clock.suspendedMs();
    this.#readTcpTable = options.readTcpTable ?? (() => undefined);
    this.#open = new OpenPings(options.board, periodMs);
    this.#budgets = budgetsFor(timeoutMs);
    this.#pacing = new Pacing({ periodMs, jitter, concurrency, random: options.random ?? Math.random });
  }

  /**
   * @param startedMs when this loop was asked for: the storages that there are have been waiting since then
   * @param replaces a loop that was lost, with the pings that were out
   */
  start(startedMs: number, replaces = false): void {
    this.#guard(() => {
      this.#noteStorages(startedMs);
      // Whose ping was out, or due meanwhile, must not wait for another period.
      if (replaces) this.#pacing.hasten(this.#clock.now(), this.#budgets.afreshMs);
      this.#arm();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#open.clear();
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
      if (this.#open.isEmpty) this.#stoodStill(stall);
      else this.#standstill = stall;
      this.#lost.push({ fromMs: this.#wakeMs, toMs: nowMs });
      this.#asked = undefined;
    }
    this.#sweep(this.#pacing.take(nowMs).filter((id) => this.#open.mayPing(id, nowMs)));
    if (nowMs < this.#lookMs && this.#standstill === undefined) return;
    this.#open.watchBegun(nowMs);
    this.#judge(nowMs);
    this.#askForTurn(nowMs);
    this.#lookMs = this.#nextLookMs(nowMs);
  }

  /** How long the machine was suspended since the last look; what can be the two clocks' rounding does not count. */
  #newlySuspendedMs(): number {
    const suspendedMs = this.#clock.suspendedMs();
    const newlyMs = suspendedMs - this.#suspendedMs;
    this.#suspendedMs = suspendedMs;
    return newlyMs > clockRoundingMs ? newlyMs : 0;
  }

  /** @param resent how often in a row these are sent afresh */
  #sweep(ids: readonly number[], resent = 0): void {
    if (ids.length === 0) return;
    const request: Request = { ids, atMs: this.#clock.now(), resent };
    this.#open.request(request);
    if (this.#lookMs === Infinity) this.#lookMs = request.atMs + this.#budgets.tickMs;
    const sweep = async () => this.#host.sweep(Uint32Array.from(ids));
    sweep()
      .catch((error) => {
        this.#panicked(error);
        return [];
      })
      .then((out) => this.#guard(() => this.#swept(request, out)));
  }

  #swept(request: Request, out: readonly number[]): void {
    this.#open.returned(request, out);
    if (this.#open.isEmpty) this.#lookMs = Infinity;
    this.#arm();
  }

  #judge(nowMs: number): void {
    const silent: Watch[] = [];
    for (const watch of this.#open.watches()) {
      if (watch.standing(this.#board) === 'concluded') {
        this.#open.drop(watch);
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
    else this.#open.drop(watch);
    this.#tell(() => this.#host.conclude(watch.id, watch.number, conclusion));
  }

  #askForTurn(nowMs: number): void {
    if (this.#open.isEmpty || this.#asked !== undefined) return;
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
    for (const watch of this.#open.watches()) {
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
    // What is still silent gets a new ping and a new deadline: the network may have been away as well.
    for (const [resent, ids] of this.#open.silentThrough(stall, nowMs)) this.#sweep(ids, resent);
    // A peer may have answered, and died while nobody could ask it again.
    this.#pacing.hasten(nowMs, this.#budgets.afreshMs);
  }

  #arm(): void {
    const nowMs = this.#clock.now();
    this.#noteStorages(nowMs);
    // A timer that is overdue stays: by how late it comes it shows that the process stood still.
    if (this.#cancelWake !== undefined && this.#wakeMs <= nowMs) return;
    // What is overdue, as before this thread was up, is no standstill.
    const wakeMs = Math.max(nowMs, Math.min(this.#pacing.nextDueMs ?? Infinity, this.#lookMs));
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

  /** Storages that are new are pinged within a period from `sinceMs`. */
  #noteStorages(sinceMs: number): void {
    const { version } = this.#board;
    if (version === this.#boardVersion) return;
    this.#boardVersion = version;
    this.#pacing.update(this.#board.occupied(), sinceMs);
  }

  /** The next tick, or the first deadline if that is sooner; never while nothing is out. */
  #nextLookMs(nowMs: number): number {
    if (this.#open.isEmpty) return Infinity;
    let delayMs = this.#budgets.tickMs;
    // A silence does not grow before the turn that is under way.
    if (this.#asked !== undefined) return nowMs + delayMs;
    for (const watch of this.#open.watches()) {
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
