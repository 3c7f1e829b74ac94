import { KeepAliveError } from '../model/errors.js';
import type { KeepAliveStorage } from '../model/target.js';
import { redactText } from '../observability/redaction.js';
import { causeInWords, type Diagnosis } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import type { Conclusion } from '../threads/contract.js';
import type { Batch } from './ping/batch.js';
import { type Death, Outage } from './ping/outage.js';
import type { Ping, PingObserver, PingOutcome } from './ping/ping.js';
import type { Member } from './ping/target-state.js';
import { Recovery } from './recovery.js';
import { PingTrace } from './report/ping-trace.js';
import type { Journal } from './report/reporter.js';
import type { Settings } from './settings.js';

export interface ProberOptions {
  readonly settings: Settings;
  readonly board: Board;
  readonly journal: Journal;
  readonly members: ReadonlyMap<number, Member>;
}

/** Pings a storage that the worker names, if there is a need to, and ends its ping as the worker concludes. */
export class Prober implements PingObserver<Member> {
  readonly #settings: Settings;
  readonly #board: Board;
  readonly #journal: Journal;
  readonly #recovery: Recovery;
  readonly #members: ReadonlyMap<number, Member>;
  readonly #traces = new Map<Ping<Member>, PingTrace>();
  #closed = false;

  constructor({ settings, board, journal, members }: ProberOptions) {
    this.#settings = settings;
    this.#board = board;
    this.#journal = journal;
    this.#recovery = new Recovery(journal);
    this.#members = members;
  }

  /** Pings a storage, as one of a batch, unless it is gone or there is no need to. */
  ping(id: number, batch: Batch): void {
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

  /** Does what the worker has concluded about the ping of that number, if it is still out. */
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

  /** From now on nothing is pinged any more, whatever the worker has asked for. */
  close(): void {
    this.#closed = true;
    for (const member of this.#members.values()) this.#recovery.forget(member);
  }

  /** The storage was removed. */
  forget(member: Member): void {
    member.isGone = true;
    this.#recovery.forget(member);
    member.ping?.conclude({ result: 'abandoned' });
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
