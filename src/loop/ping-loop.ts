/**
 * The sleep/ping loop: when to ping, whom, and what to conclude from silence. It runs in the worker thread and touches
 * neither sockets nor locks: it reads the board and calls the main thread.
 *
 * Rules:
 * - Between two sweeps nothing wakes it, unless a ping is out. Whatever is answered at once, as nearly all is, costs it
 *   its part of a sweep and nothing else.
 * - While one is out it looks every tick, and asks the main thread for turns: a silence counts only up to a turn
 *   that polled the sockets.
 * - Time in which this process did not listen counts for nobody's silence. After a stall nothing is concluded before a
 *   turn is through; after a long one everybody is pinged: storages that are still silent afresh, and those that had answered,
 *   because they may have died in it.
 */
import type { Clock } from '../async/clock.js';
import type { Stall } from '../model/events.js';
import { diagnose, type ReadTcpTable } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import { type Budgets, budgetsFor } from '../threads/budgets.js';
import type { Conclusion, LoopApi, LoopSettings, PingHost } from '../threads/contract.js';
import { Looks } from './looks.js';
import type { OutstandingPing } from './outstanding-ping.js';
import { OutstandingPings, type Request } from './outstanding-pings.js';
import { Schedule } from './schedule.js';
import { Stalls } from './stalls.js';
import { decide } from './verdict.js';

export interface PingLoopOptions {
  readonly settings: LoopSettings;
  readonly board: Board;
  /** The main thread; each method may also answer at once. */
  readonly host: PingHost;
  readonly clock: Clock;
  /** One look at the system's TCP connections, for diagnoses; without it there are none. */
  readonly readTcpTable?: ReadTcpTable;
  readonly random?: () => number;
}

/** A turn of the main loop that was asked for. */
interface Turn {
  readonly requestedMs: number;
}

/** Two clocks, one of which may count in whole seconds, differ by so much and were not suspended. */
const clockRoundingMs = 1500;

export class PingLoop implements Omit<LoopApi, 'socketsChanged'> {
  readonly #board: Board;
  readonly #host: PingHost;
  readonly #clock: Clock;
  readonly #looks: Looks;
  readonly #schedule: Schedule;
  readonly #budgets: Budgets;
  readonly #outstanding: OutstandingPings;
  /** The turn that is under way, unless a stall of the process came after it was asked for. */
  #asked: Turn | undefined;
  /** When the last turn came back. */
  #turnedMs = Number.NEGATIVE_INFINITY;
  /** Up to when the board shows what was received: the beginning of the last turn. */
  #seenMs = Number.NEGATIVE_INFINITY;
  readonly #stalls = new Stalls();
  /** When to look at the pings that are out. */
  #lookMs = Infinity;
  /** When the timer is due; `Infinity` while there is none. */
  #wakeMs = Infinity;
  #suspendedMs: number;
  #cancelWake: (() => void) | undefined;
  #stopped = false;

  constructor(options: PingLoopOptions) {
    const { periodMs, timeoutMs, jitter, concurrency } = options.settings;
    this.#board = options.board;
    this.#host = options.host;
    this.#clock = options.clock;
    this.#suspendedMs = options.clock.suspendedMs();
    this.#looks = new Looks(options.board, options.clock, options.readTcpTable ?? (() => undefined));
    this.#outstanding = new OutstandingPings(options.board, periodMs);
    this.#budgets = budgetsFor(timeoutMs);
    this.#schedule = new Schedule({ periodMs, jitter, concurrency, random: options.random ?? Math.random });
  }

  /**
   * @param startedMs when this loop was asked for: the storages that there are have been waiting since then
   * @param replaces a loop that was lost, with the pings that were out
   */
  start(startedMs: number, replaces = false): void {
    this.#guard(() => {
      this.#noteStorages(this.#board.occupied(), startedMs);
      // Whose ping was out, or due meanwhile, must not wait for another period.
      if (replaces) this.#schedule.pingAllWithin(this.#clock.now(), this.#budgets.afterStallMs);
      this.#arm();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeMs = Infinity;
    this.#outstanding.clear();
  }

  targetsChanged(ids: Uint32Array): void {
    this.#guard(() => {
      this.#noteStorages(ids, this.#clock.now());
      this.#arm();
    });
  }

  alive(): true {
    return true;
  }

  #wake(): void {
    const nowMs = this.#clock.now();
    this.#noteLateness(nowMs, this.#newlySuspendedMs());
    this.#wakeMs = Infinity;
    this.#outstanding.follow(nowMs);
    if (this.#outstanding.isEmpty) {
      // Nothing is out whose answer a turn would have to read, and nobody's silence is counted.
      this.#resume(nowMs);
      this.#stalls.forgetBefore(nowMs);
    }
    this.#sweep(this.#schedule.take(nowMs).filter((id) => this.#outstanding.mayPing(id, nowMs)));
    if (nowMs < this.#lookMs && !this.#stalls.isPending) return;
    this.#outstanding.addBegun(nowMs);
    this.#judge(nowMs);
    this.#askForTurn(nowMs);
    this.#lookMs = this.#nextLookMs(nowMs);
  }

  /** A timer that is overdue by more than a busy machine explains shows that neither thread ran. */
  #noteLateness(nowMs: number, suspendedMs = 0): void {
    const fromMs = Math.min(this.#wakeMs, nowMs);
    if (nowMs - fromMs + suspendedMs <= this.#budgets.processStallMs) return;
    this.#wakeMs = nowMs;
    this.#report('process', this.#stalls.ended('process', { fromMs, toMs: nowMs }, suspendedMs));
    // Its answer says nothing of what has arrived since.
    this.#asked = undefined;
  }

  #report(of: Stall['of'], durationMs: number): void {
    this.#tell(() => this.#host.stalled({ of, durationMs: Math.round(durationMs) }));
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
    this.#outstanding.request(request);
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
    this.#outstanding.returned(request, out);
    if (this.#outstanding.isEmpty) this.#lookMs = Infinity;
    this.#arm();
  }

  #judge(nowMs: number): void {
    this.#outstanding.follow(nowMs);
    if (this.#stalls.isPending) return;
    const suspects: OutstandingPing[] = [];
    let isWanted = this.#looks.mayLook(nowMs);
    for (const ping of this.#outstanding.pings()) {
      const decision = decide(ping, this.#board, this.#budgets, nowMs, this.#seenMs);
      if (decision === 'look') {
        suspects.push(ping);
        // That looks are costly must not postpone a verdict, only the looks that are taken beside.
        isWanted ||= ping.silentMs >= this.#budgets.timeoutMs - 1 && !ping.isUndecided;
      } else if (decision !== undefined) this.#conclude(ping, { verdict: decision });
    }
    if (suspects.length > 0 && isWanted) this.#look(suspects, nowMs);
  }

  /** The system may know that a peer is not dead after all. */
  #look(suspects: readonly OutstandingPing[], nowMs: number): void {
    for (const [ping, reached] of this.#looks.look(suspects, nowMs, this.#stalls)) {
      if (ping.silentMs < this.#budgets.timeoutMs - 1) continue;
      const diagnosis = diagnose(reached);
      ping.isUndecided = diagnosis === undefined;
      if (diagnosis !== undefined)
        this.#conclude(ping, { verdict: 'dead', silentMs: Math.round(ping.silentMs), diagnosis });
      else if (ping.state === 'sent') this.#conclude(ping, { verdict: 'slow' });
    }
  }

  #conclude(ping: OutstandingPing, conclusion: Conclusion): void {
    if (conclusion.verdict === 'busy') ping.move('lockRefused');
    else if (conclusion.verdict === 'slow') ping.move('outlasted');
    else this.#outstanding.drop(ping);
    this.#tell(() => this.#host.conclude(ping.id, ping.number, conclusion));
  }

  #askForTurn(nowMs: number): void {
    if (this.#outstanding.isEmpty || this.#asked !== undefined) return;
    const asked: Turn = { requestedMs: nowMs };
    this.#asked = asked;
    const turn = async () => this.#host.pollTurn();
    turn().then(
      () => this.#guard(() => this.#turned(asked)),
      (error) => {
        if (this.#asked === asked) this.#asked = undefined;
        this.#panicked(error);
      },
    );
  }

  #turned(asked: Turn): void {
    if (this.#stopped) return;
    const nowMs = this.#clock.now();
    this.#noteLateness(nowMs);
    const { requestedMs } = asked;
    this.#outstanding.follow(nowMs);
    for (const ping of this.#outstanding.pings()) {
      ping.account(this.#board, { fromMs: requestedMs, toMs: nowMs }, this.#stalls);
    }
    this.#seenMs = Math.max(this.#seenMs, requestedMs);
    this.#noteBlockedLoop(Math.max(requestedMs, this.#turnedMs), nowMs);
    this.#turnedMs = nowMs;
    this.#stalls.forgetBefore(requestedMs);
    // One that was asked for before a stall of the process does not end it: another one does.
    if (this.#asked === asked) {
      this.#asked = undefined;
      this.#resume(nowMs);
    } else this.#askForTurn(nowMs);
    this.#judge(nowMs);
    this.#lookMs = this.#nextLookMs(nowMs);
    this.#arm();
  }

  /** A turn that took long was begun at once or not at all: until it came back, the main loop stood still. */
  #noteBlockedLoop(fromMs: number, toMs: number): void {
    const blockedMs = toMs - fromMs - this.#stalls.lostWithin(fromMs, toMs);
    if (blockedMs <= this.#budgets.loopStallMs) return;
    this.#report('loop', this.#stalls.ended('loop', { fromMs, toMs }));
  }

  /** Whatever had arrived during stalls has been read. */
  #resume(nowMs: number): void {
    const stall = this.#stalls.resume();
    // After a shorter one all that had to be done was to read.
    if (stall === undefined || stall.lostMs < this.#budgets.timeoutMs) return;
    // What is still silent gets a new ping and a new deadline: the network may have been away as well.
    for (const [resent, ids] of this.#outstanding.silentThrough(stall, nowMs)) this.#sweep(ids, resent);
    // A peer may have answered, and died while nobody could ask it again.
    this.#schedule.pingAllWithin(nowMs, this.#budgets.afterStallMs);
  }

  #arm(): void {
    const nowMs = this.#clock.now();
    // A timer that is overdue stays: by how late it comes it shows that the process stood still.
    if (this.#wakeMs <= nowMs) return;
    // What is overdue, as before this thread was up, is no stall.
    const wakeMs = Math.max(nowMs, Math.min(this.#schedule.nextDueMs ?? Infinity, this.#lookMs));
    if (wakeMs === this.#wakeMs) return;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeMs = this.#stopped ? Infinity : wakeMs;
    if (this.#wakeMs === Infinity) return;
    // Rounded up: a timer that fires a fraction early would find nothing due, and wake twice.
    const delayMs = Math.ceil(Math.max(0, wakeMs - nowMs));
    this.#cancelWake = this.#clock.schedule(() => {
      this.#cancelWake = undefined;
      this.#guard(() => this.#wake());
      this.#guard(() => this.#arm());
    }, delayMs);
  }

  /** Takes over who has these slots now. Storages that are new are pinged within a period from `sinceMs`. */
  #noteStorages(ids: Iterable<number>, sinceMs: number): void {
    const occupied: number[] = [];
    const vacated: number[] = [];
    for (const id of ids) (this.#board.isOccupied(id) ? occupied : vacated).push(id);
    this.#schedule.update(occupied, sinceMs, vacated);
  }

  /** The next tick, or the first deadline if that is sooner; never while nothing is out. */
  #nextLookMs(nowMs: number): number {
    if (this.#outstanding.isEmpty) return Infinity;
    let delayMs = this.#budgets.tickMs;
    // A silence does not grow before the turn that is under way.
    if (this.#asked !== undefined) return nowMs + delayMs;
    for (const ping of this.#outstanding.pings()) {
      const decidedInMs = ping.decidedInMs(this.#board, this.#budgets, nowMs);
      // One that is overdue has been looked at just now.
      if (decidedInMs > 0) delayMs = Math.min(delayMs, decidedInMs);
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
