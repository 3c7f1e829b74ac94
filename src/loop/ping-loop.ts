/**
 * The sleep/ping loop: which targets to ping, when, and what to conclude from silence. It runs in the worker thread and
 * touches neither sockets nor locks: it reads the board and calls the main thread.
 *
 * Rules:
 * - After a sweep it wakes once, a tick later, or sooner for the next sweep: by then the board shows that the pings were answered,
 *   as nearly all are, and nothing wakes it until the next ones are due.
 * - While a ping is out it checks every tick, and asks the main thread for turns: silence counts only up to a turn that
 *   polled the sockets.
 *   Where all pings that are out wait behind requests of the application, which may take any time, it does so less often.
 * - Time in which this process did not listen does not count as silence. After a stall nothing is concluded before a turn
 *   has completed. After a long one every target is pinged: those that are still silent, and those that had answered, which
 *   may have died during the stall.
 */
import type { Clock } from '../async/clock.js';
import type { Stall } from '../model/events.js';
import { type Diagnosis, diagnose, type ReadTcpTable } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import { type Budgets, budgetsFor } from '../threads/budgets.js';
import type { Conclusion, LoopApi, LoopSettings, PingHost } from '../threads/contract.js';
import { HostCalls } from './host-calls.js';
import { Looks } from './looks.js';
import type { OutstandingPing } from './outstanding-ping.js';
import { OutstandingPings } from './outstanding-pings.js';
import { Schedule } from './schedule.js';
import { type Span, Stalls } from './stalls.js';
import { decide } from './verdict.js';
import { type Lateness, WakeUp } from './wake-up.js';

export interface PingLoopOptions {
  readonly settings: LoopSettings;
  readonly board: Board;
  /** The main thread; each method may also return at once instead of a promise. */
  readonly host: PingHost;
  readonly clock: Clock;
  /** Reads the system's table of TCP connections, for diagnoses; without it every diagnosis is `unknown`. */
  readonly readTcpTable?: ReadTcpTable;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

/** A turn of the main loop that was requested. */
type Turn = { readonly requestedMs: number };

export class PingLoop implements Pick<LoopApi, 'targetsChanged'> {
  readonly #board: Board;
  readonly #host: PingHost;
  readonly #calls: HostCalls;
  readonly #clock: Clock;
  readonly #looks: Looks;
  readonly #schedule: Schedule;
  readonly #budgets: Budgets;
  readonly #outstanding: OutstandingPings;
  readonly #stalls = new Stalls();
  readonly #wakeUp: WakeUp;
  /** The turn that is under way, unless the process was stalled after it was requested. */
  #turn: Turn | undefined;
  /** When the last turn completed. */
  #turnedMs = Number.NEGATIVE_INFINITY;
  /** Up to when the board shows what was received: when the last turn was requested. */
  #seenMs = Number.NEGATIVE_INFINITY;
  /** When to check the pings that are out; `Infinity` while there are none. */
  #checkMs = Infinity;
  /** Whether all pings that are out wait behind a request, which may take any time. */
  #isUnhurried = false;
  #stopped = false;

  constructor(options: PingLoopOptions) {
    const { periodMs, timeoutMs, jitter, concurrency } = options.settings;
    this.#board = options.board;
    this.#host = options.host;
    this.#calls = new HostCalls(options.host);
    this.#clock = options.clock;
    const readTcpTable = options.readTcpTable ?? (() => undefined);
    this.#looks = new Looks(options.board, timeoutMs, options.clock, readTcpTable);
    this.#outstanding = new OutstandingPings(options.board, periodMs);
    this.#budgets = budgetsFor(timeoutMs);
    this.#schedule = new Schedule({ periodMs, jitter, concurrency, random: options.random ?? Math.random });
    this.#wakeUp = new WakeUp({
      clock: options.clock,
      toleranceMs: this.#budgets.processStallMs,
      onWake: () => {
        this.#calls.guard(() => this.#wake());
        this.#calls.guard(() => this.#arm());
      },
    });
  }

  /**
   * @param startedMs when this loop was requested, by its clock: the first periods count from then
   * @param replaces whether an earlier loop was lost, with the pings that were out
   */
  start(startedMs: number, replaces = false): void {
    this.#calls.guard(() => {
      this.#updateTargets(this.#board.occupied(), startedMs);
      // Targets whose ping was out, or due meanwhile, must not wait for another period.
      if (replaces) this.#schedule.pingAllWithin(this.#clock.now(), this.#budgets.afterStallMs);
      this.#arm();
    });
  }

  /** Stops for good: no timer is left, and replies that are still on their way change nothing. */
  stop(): void {
    this.#stopped = true;
    this.#wakeUp.cancel();
    this.#outstanding.clear();
  }

  targetsChanged(ids: Uint32Array): void {
    this.#calls.guard(() => {
      this.#updateTargets(ids, this.#clock.now());
      this.#arm();
    });
  }

  /**
   * A look at the system's table, of this loop or another one in the thread, has taken this time. A long one is no stall: the
   * main thread went on. But this process may have been stopped in it, so its time does not count as silence either. One that
   * takes longer than the timeout counts as a stall.
   */
  looked(span: Span): void {
    const tookMs = span.toMs - span.fromMs;
    if (tookMs <= this.#budgets.tickMs || tookMs > this.#budgets.timeoutMs) return;
    this.#stalls.leaveOut(span);
    this.#wakeUp.excuse(span);
  }

  #wake(): void {
    const nowMs = this.#clock.now();
    this.#noteProcessStall(this.#wakeUp.fired(nowMs));
    this.#outstanding.addTaken();
    this.#outstanding.follow(nowMs);
    if (this.#outstanding.isEmpty) {
      // No reply is awaited that a turn would have to read, and no silence is being counted.
      this.#resume(nowMs);
      this.#stalls.forgetBefore(nowMs);
      this.#checkMs = Infinity;
    }
    const due = this.#schedule.take(nowMs).filter((id) => this.#outstanding.mayPing(id, nowMs));
    if (nowMs >= this.#checkMs || this.#stalls.isPending) {
      this.#judge(nowMs);
      this.#requestTurn(nowMs);
      this.#checkMs = this.#nextCheckMs(nowMs);
    }
    // After that: a turn would show nothing of what has only been requested.
    this.#sweep(due);
  }

  #noteProcessStall(lateness: Lateness | undefined): void {
    if (lateness === undefined) return;
    this.#looks.startAfresh();
    this.#report('process', this.#stalls.ended('process', lateness.span, lateness.suspendedMs));
    // A turn that was requested before the stall does not show what has arrived since.
    this.#turn = undefined;
  }

  #report(of: Stall['of'], durationMs: number): void {
    this.#calls.notify(() => this.#host.stalled({ of, durationMs: Math.round(durationMs) }));
  }

  /** @param resent how many times in a row these pings have been sent again because of stalls */
  #sweep(ids: readonly number[], resent = 0): void {
    if (ids.length === 0) return;
    this.#outstanding.request(ids, resent);
    this.#checkMs = Math.min(this.#checkMs, this.#clock.now() + this.#budgets.tickMs);
    try {
      this.#host.sweep(Uint32Array.from(ids));
    } catch (error) {
      this.#outstanding.withdraw(ids);
      this.#calls.panicked(error);
    }
  }

  #judge(nowMs: number): void {
    this.#outstanding.follow(nowMs);
    if (this.#stalls.isPending) return;
    const suspects: OutstandingPing[] = [];
    const waiting: OutstandingPing[] = [];
    let isLookWanted = this.#looks.mayLook(nowMs);
    for (const ping of this.#outstanding.pings()) {
      const decision = decide(ping, this.#board, this.#budgets, nowMs, this.#seenMs);
      if (decision === 'look' && ping.state === 'waiting') waiting.push(ping);
      else if (decision === 'look') {
        suspects.push(ping);
        // The cost of looks must not postpone a verdict, only the looks that no verdict waits for.
        isLookWanted ||= ping.silentMs >= Math.max(this.#budgets.timeoutMs, ping.patienceMs) - 1;
      } else if (decision === 'slow') this.#conclude(ping, { verdict: decision, isSilent: false });
      else if (decision !== undefined) this.#conclude(ping, { verdict: decision });
    }
    this.#isUnhurried = waiting.length > 0 && this.#outstanding.areOnly(waiting);
    const wanted = isLookWanted ? suspects : [];
    if (nowMs >= this.#looks.waitingMs) wanted.push(...waiting);
    if (wanted.length > 0) this.#look(wanted, nowMs);
  }

  /** Looks them up in the system's table, which may show that a silent peer is not dead after all. */
  #look(suspects: readonly OutstandingPing[], nowMs: number): void {
    const reached = this.#looks.look(suspects, nowMs);
    this.looked({ fromMs: nowMs, toMs: this.#clock.now() });
    for (const [ping, state] of reached) {
      if (ping.silentMs < this.#budgets.timeoutMs - 1) continue;
      const diagnosis = diagnose(state);
      ping.patienceMs = this.#patienceMs(ping, diagnosis);
      if (diagnosis !== undefined && ping.silentMs >= ping.patienceMs - 1)
        this.#conclude(ping, {
          verdict: 'dead',
          silentMs: Math.round(ping.silentBeforeMs + ping.silentMs),
          diagnosis,
        });
      else if (ping.state === 'sent')
        this.#conclude(ping, { verdict: 'slow', isSilent: diagnosis !== undefined });
    }
  }

  /** A server whose host acknowledges the ping hangs, or is busy with what others have asked of it. */
  #patienceMs({ id, silentBeforeMs }: OutstandingPing, diagnosis: Diagnosis | undefined): number {
    const { timeoutMs } = this.#budgets;
    if (diagnosis === undefined) return Infinity;
    if (diagnosis === 'path-or-host-gone') return timeoutMs;
    // A stall costs a ping that repeats another the timeout, not another hang timeout.
    return Math.max(timeoutMs, this.#board.hangTimeoutMs(id) - silentBeforeMs);
  }

  #conclude(ping: OutstandingPing, conclusion: Conclusion): void {
    if (conclusion.verdict === 'busy') ping.move('lockRefused');
    else if (conclusion.verdict === 'slow') ping.move('overdue');
    else this.#outstanding.drop(ping);
    this.#calls.notify(() => this.#host.conclude(ping.id, ping.number, conclusion));
  }

  #requestTurn(nowMs: number): void {
    if (this.#outstanding.isEmpty || this.#turn !== undefined) return;
    if (this.#isUnhurried && !this.#stalls.isPending && nowMs < this.#seenMs + this.#budgets.unhurriedMs)
      return;
    const turn: Turn = { requestedMs: nowMs };
    this.#turn = turn;
    const pollTurn = async () => this.#host.pollTurn();
    pollTurn().then(
      () => this.#calls.guard(() => this.#turned(turn)),
      (error) => {
        if (this.#turn === turn) this.#turn = undefined;
        this.#calls.panicked(error);
      },
    );
  }

  #turned(turn: Turn): void {
    if (this.#stopped) return;
    const nowMs = this.#clock.now();
    this.#noteProcessStall(this.#wakeUp.overdue(nowMs));
    const { requestedMs } = turn;
    // What was sent before the turn, and so before a stall that is forgotten now, has been taken by the time it completes.
    this.#outstanding.addTaken();
    this.#outstanding.follow(nowMs);
    for (const ping of this.#outstanding.pings()) {
      ping.account(this.#board, { fromMs: requestedMs, toMs: nowMs }, this.#stalls);
    }
    this.#seenMs = Math.max(this.#seenMs, requestedMs);
    this.#noteBlockedLoop(Math.max(requestedMs, this.#turnedMs), nowMs);
    this.#turnedMs = nowMs;
    this.#stalls.forgetBefore(requestedMs);
    // A turn that was requested before a stall of the process does not end that stall; the next one does.
    if (this.#turn === turn) {
      this.#turn = undefined;
      this.#resume(nowMs);
    } else this.#requestTurn(nowMs);
    this.#judge(nowMs);
    this.#checkMs = this.#nextCheckMs(nowMs);
    this.#arm();
  }

  /** The main loop was blocked while a turn took long: an idle one begins it at once. */
  #noteBlockedLoop(fromMs: number, toMs: number): void {
    const blockedMs = toMs - fromMs - this.#stalls.lostWithin(fromMs, toMs);
    if (blockedMs <= this.#budgets.loopStallMs) return;
    this.#report('loop', this.#stalls.ended('loop', { fromMs, toMs }));
  }

  /** Everything that had arrived during the pending stalls has been read. */
  #resume(nowMs: number): void {
    const stall = this.#stalls.resume();
    // After a stall shorter than the timeout, reading what had arrived was enough.
    if (stall === undefined || stall.lostMs < this.#budgets.timeoutMs) return;
    // Targets that are still silent get a new ping and a new deadline: the network may have been away as well.
    // One that was sent less than a tick ago was sent after the stall, which was longer, unless no clock has counted it.
    const freshMs = stall.isSuspension ? 0 : this.#budgets.tickMs;
    for (const [resent, ids] of this.#outstanding.silentThrough(stall, nowMs, freshMs))
      this.#sweep(ids, resent);
    // A peer may have answered and then died during the stall.
    this.#schedule.pingAllWithin(nowMs, this.#budgets.afterStallMs);
  }

  #arm(): void {
    if (!this.#stopped) this.#wakeUp.schedule(Math.min(this.#schedule.nextDueMs ?? Infinity, this.#checkMs));
  }

  /** Updates the schedule for these slots. New targets are pinged within a period from `sinceMs`. */
  #updateTargets(ids: Iterable<number>, sinceMs: number): void {
    const { occupied, vacant } = this.#board.byOccupancy(ids);
    this.#schedule.update(occupied, sinceMs, vacant);
  }

  /** The next tick, or the first deadline if that is sooner; `Infinity` while nothing is out. */
  #nextCheckMs(nowMs: number): number {
    if (this.#outstanding.isEmpty) return Infinity;
    let delayMs = this.#budgets.tickMs;
    // No silence grows before the turn that is under way completes.
    if (this.#turn !== undefined) return nowMs + delayMs;
    if (this.#isUnhurried)
      return Math.min(nowMs + this.#budgets.unhurriedMs, Math.max(nowMs + 1, this.#looks.waitingMs));
    for (const ping of this.#outstanding.pings()) {
      const decidedInMs = ping.decidedInMs(this.#board, this.#budgets, nowMs);
      // A ping that is overdue has just been judged.
      if (decidedInMs > 0) delayMs = Math.min(delayMs, decidedInMs);
    }
    return nowMs + Math.max(1, delayMs);
  }
}
