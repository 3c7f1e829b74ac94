import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { systemClock } from '../clock.js';
import { startDeadline } from '../deadline.js';
import { causeInWords, type Diagnosis } from '../diagnosis.js';
import { KeepAliveError } from '../errors.js';
import { budgetsFor } from '../loop/verdict.js';
import { redactText } from '../observability/redaction.js';
import type { Board } from '../rpc/board.js';
import type { Conclusion } from '../rpc/contract.js';
import type { Settings } from '../settings.js';
import type { KeepAliveStorage } from '../storage.js';
import { Batch } from './batch.js';
import type { Journal } from './journal.js';
import type { Member } from './member.js';
import { type Death, Outage } from './outage.js';
import type { Ping, PingObserver, PingOutcome } from './ping.js';
import { PingTrace } from './ping-trace.js';
import { Recovery } from './recovery.js';

/** How far beyond its timeout a ping may be before the worker is asked whether it runs: more than the promised bound. */
const leaseMarginMs = 1500;
/** So many pings share a place: the limiter then costs once for all of them. */
const largestBatch = 32;
/** After so many that a sweep begins, which takes about a millisecond, the main loop sees to what else there is. */
const pingsPerTurn = 32;
/** For so long: where a turn takes its time, the pings must not. */
const yieldsForMs = 100;
const longestGraceMs = 50;

export interface ProberOptions {
  readonly settings: Settings;
  readonly board: Board;
  readonly journal: Journal;
  readonly members: ReadonlyMap<number, Member>;
  /** A ping is out for so long after its timeout that the worker may have failed. */
  readonly onOverdue: () => void;
}

/** Pings the storages that the worker names, within the limit of pings in flight, and ends pings as the worker concludes. */
export class Prober implements PingObserver<Member> {
  readonly #settings: Settings;
  readonly #board: Board;
  readonly #journal: Journal;
  readonly #recovery: Recovery;
  readonly #members: ReadonlyMap<number, Member>;
  readonly #onOverdue: () => void;
  readonly #batchSize: number;
  readonly #batchesAtOnce: number;
  readonly #limit: LimitFunction;
  readonly #leaseMs: number;
  /** Those whose pings are being begun, or are out. */
  readonly #batches = new Set<Batch>();
  readonly #traces = new Map<Ping<Member>, PingTrace>();
  /** How often all pings were abandoned. */
  #abandoned = 0;
  #closed = false;

  constructor({ settings, board, journal, members, onOverdue }: ProberOptions) {
    this.#settings = settings;
    this.#board = board;
    this.#journal = journal;
    this.#recovery = new Recovery(journal);
    this.#members = members;
    this.#onOverdue = onOverdue;
    this.#batchSize = Math.max(1, Math.min(largestBatch, Math.floor(settings.concurrency / 4)));
    this.#batchesAtOnce = Math.floor(settings.concurrency / this.#batchSize);
    this.#limit = pLimit(this.#batchesAtOnce);
    this.#leaseMs = budgetsFor(settings.timeoutMs).lockMs + settings.timeoutMs + leaseMarginMs;
  }

  /**
   * Pings these storages. Resolves when each is answered, or has been silent for the grace time, to those that are out
   * still. Never rejects.
   */
  async sweep(ids: Uint32Array): Promise<readonly number[]> {
    const begun: Promise<Batch>[] = [];
    const abandoned = this.#abandoned;
    const yieldsUntilMs = systemClock.now() + yieldsForMs;
    let turnEnds = pingsPerTurn;
    for (let from = 0; from < ids.length; from += this.#batchSize) {
      if (from >= turnEnds && systemClock.now() < yieldsUntilMs) {
        await nextTurn();
        if (abandoned !== this.#abandoned) break;
        turnEnds = from + pingsPerTurn;
      }
      const batch = this.#limit(() => this.#pingBatch(ids.subarray(from, from + this.#batchSize)));
      // It is heard of below, but perhaps in a later turn: until then it must not count as a rejection nobody handles.
      batch.catch(() => {});
      begun.push(batch);
    }
    const out: number[] = [];
    for (const batch of await Promise.all(begun)) {
      if (!batch.isOver) for (const { subject } of batch.out()) out.push(subject.id);
    }
    return out;
  }

  conclude(id: number, number: number, conclusion: Conclusion): void {
    const member = this.#members.get(id);
    const ping = member?.ping;
    if (member === undefined || ping?.number !== number) return;
    switch (conclusion.verdict) {
      case 'alive':
        ping.concludeByBytes();
        return;
      case 'slow':
        member.verdict = 'slow';
        this.#journal.log.slow(member);
        ping.outlast();
        return;
      case 'busy':
        if (!ping.proceedWithoutLock()) return;
        member.verdict = 'busy';
        this.#journal.log.busy(member);
        return;
      case 'dead':
        this.#journal.contain(member, () =>
          this.#bury(member, ping, conclusion.silentMs, conclusion.diagnosis),
        );
        // Unless it has ended by that.
        ping.conclude({ result: 'abandoned' });
    }
  }

  /** Puts on the board what has passed on the connections that are being pinged. */
  noteTraffic(): void {
    for (const batch of this.#batches) for (const ping of batch.out()) ping.noteTraffic();
  }

  /** From now on nothing is pinged any more, whatever the worker has asked for. */
  close(): void {
    this.#closed = true;
    for (const member of this.#members.values()) this.#recovery.forget(member);
    this.abandonAll();
  }

  /** Ends every ping, as when the worker that watched over them is gone. The locks come free. */
  abandonAll(): void {
    // What the worker has asked for and was not begun is not begun any more: nobody would watch over it.
    this.#abandoned += 1;
    this.#limit.clearQueue();
    for (const batch of this.#batches) {
      for (const ping of batch.out()) ping.conclude({ result: 'abandoned' });
    }
  }

  /** The storage was removed. */
  forget(member: Member): void {
    member.isGone = true;
    this.#recovery.forget(member);
    member.ping?.conclude({ result: 'abandoned' });
  }

  /** Resolves when each of these is answered, or has been silent for the grace time. */
  #pingBatch(ids: Uint32Array): Promise<Batch> {
    return new Promise((resolve) => {
      const batch = new Batch(this);
      // Before its pings begin: a listener may stop the agent in between.
      this.#batches.add(batch);
      for (const id of ids) this.#ping(id, batch);
      if (batch.isOver) {
        this.#batches.delete(batch);
        resolve(batch);
        return;
      }
      let endWait = () => clearTimeout(grace);
      const grace = setTimeout(() => {
        resolve(batch);
        endWait = startDeadline(this.#leaseMs, () => this.#overdue(batch), false);
      }, this.#graceMs()).unref();
      batch.onceOver(() => {
        this.#batches.delete(batch);
        endWait();
        resolve(batch);
      });
    });
  }

  /**
   * How long a silent ping keeps its place among those in flight: silence must not keep others from being sent, least of
   * all for longer than the period leaves for each.
   */
  #graceMs(): number {
    const batches = Math.ceil(this.#members.size / this.#batchSize);
    const shareMs = (this.#settings.periodMs * this.#batchesAtOnce) / batches / 2;
    return Math.min(longestGraceMs, Math.max(this.#settings.timeoutMs / 20, 5), shareMs);
  }

  /**
   * It is the worker that ends silent pings, when it has proof. Should it have none for long, because the main loop stalls
   * again and again, the pings stay out, but not their hold on the load locks; and it may have failed.
   */
  #overdue(batch: Batch): void {
    for (const ping of batch.out()) ping.releaseLock();
    this.#onOverdue();
  }

  #ping(id: number, batch: Batch): void {
    const member = this.#members.get(id);
    if (member === undefined || !this.#isDue(member)) return;
    member.pings += 1;
    this.#journal.sending(member);
    if (this.#isGone(member)) return;
    const ping = batch.add(member, this.#board);
    member.ping = ping;
    if (PingTrace.isWanted) this.#trace(ping);
    else ping.start();
  }

  #trace(ping: Ping<Member>): void {
    const trace = new PingTrace(ping.subject.fact());
    this.#traces.set(ping, trace);
    trace.run(() => ping.start());
  }

  /** @internal */
  lockFailed(ping: Ping<Member>, error: unknown): void {
    this.#journal.log.misbehaved(ping.subject, error);
  }

  /** @internal */
  ended(ping: Ping<Member>, outcome: PingOutcome): void {
    const member = ping.subject;
    if (member.ping === ping) member.ping = undefined;
    this.#conclude(member, outcome);
    this.#traces.get(ping)?.ended(outcome);
    this.#traces.delete(ping);
  }

  /** Whether there is a connection to ping, and a need to. */
  #isDue(member: Member): boolean {
    // One that is still out when the worker asks anew has been overtaken, by a stall or by other bytes than its answer.
    member.ping?.supersede();
    if (this.#isGone(member)) return false;
    try {
      if (!member.storage.ready) {
        member.enter('down');
        this.#recovery.stillDown(member);
        return false;
      }
      this.#recovery.seen(member);
      if (this.#isGone(member)) return false;
      if (!this.#settings.skipActive || !this.#isActive(member)) return true;
      member.enter('alive');
      member.verdict = 'active';
      this.#journal.log.active(member);
    } catch (error) {
      this.#conclude(member, { result: 'failed', error });
    }
    return false;
  }

  /** Whether a listener has just removed the storage, or stopped the agent. */
  #isGone(member: Member): boolean {
    return this.#closed || member.isGone;
  }

  #isActive({ storage }: Member): boolean {
    const agoMs = lastSignOfLifeAgoMs(storage);
    return agoMs !== undefined && agoMs < this.#settings.periodMs;
  }

  #bury(member: Member, ping: Ping<Member>, silentMs: number, diagnosis: Diagnosis): void {
    const { storage } = member;
    // The connection that was silent has been lost by itself meanwhile: the next one is innocent, and the way to it is not
    // to be disturbed.
    if (storage.generation !== ping.generation || !storage.ready) {
      ping.conclude({ result: 'abandoned' });
      return;
    }
    member.noteConnection();
    const death: Death = {
      at: new Date(),
      error: silence(member.name, silentMs, diagnosis),
      silentMs,
      timeToDetectMs: Math.round(lastSignOfLifeAgoMs(storage) ?? ping.sentAgoMs),
      diagnosis,
      outage: new Outage(performance.now(), diagnosis, member.address),
      backAt: undefined,
    };
    // Dropped before the lock comes free, so that whoever waits for the lock meets no half-dead connection.
    this.#journal.contain(member, () => storage.drop(death.error, ping.generation));
    ping.conclude({ result: 'dead', error: death.error, death });
    if (this.#isGone(member)) return;
    this.#recovery.begin(member, death.outage);
  }

  #conclude(member: Member, outcome: PingOutcome): void {
    member.note(outcome);
    this.#journal.ended(member, outcome);
  }
}

function lastSignOfLifeAgoMs({ lastReceivedAt }: KeepAliveStorage): number | undefined {
  return lastReceivedAt === undefined ? undefined : performance.now() - lastReceivedAt;
}

function silence(name: string, silentMs: number, diagnosis: Diagnosis): KeepAliveError {
  return new KeepAliveError(
    'ERR_KEEPALIVE_TIMEOUT',
    `${redactText(name)} sent no byte for ${(silentMs / 1000).toFixed(1)} s after a ping; ${causeInWords[diagnosis]}`,
    { retryable: true },
  );
}
