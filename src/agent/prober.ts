import pLimit, { type LimitFunction } from 'p-limit';
import { startDeadline } from '../deadline.js';
import type { Diagnosis } from '../diagnosis.js';
import { KeepAliveError } from '../errors.js';
import { budgetsFor } from '../loop/verdict.js';
import type { Board } from '../rpc/board.js';
import type { Conclusion } from '../rpc/contract.js';
import type { Settings } from '../settings.js';
import type { Journal } from './journal.js';
import type { Member } from './member.js';
import { causeInWords, Outage } from './outage.js';
import { Ping } from './ping.js';

/** How far beyond its timeout a ping may be before the worker is taken to have failed: more than the promised bound. */
const leaseMarginMs = 1500;

/** So many pings are begun in one go: the limiter then costs once for all of them. */
const largestBatch = 16;

/** Pings the storages that the worker names, within the limit of pings in flight, and ends pings as the worker concludes. */
export class Prober {
  readonly #settings: Settings;
  readonly #board: Board;
  readonly #journal: Journal;
  readonly #members: ReadonlyMap<number, Member>;
  readonly #batchSize: number;
  readonly #limit: LimitFunction;
  /** A ping that is silent for longer gives up its place: silence must not keep others from being sent. */
  readonly #graceMs: number;
  readonly #onOverdue: () => void;
  #closed = false;

  /** @param onOverdue called when a ping is still out so long after its timeout that the worker has failed to end it */
  constructor(
    settings: Settings,
    board: Board,
    journal: Journal,
    members: ReadonlyMap<number, Member>,
    onOverdue: () => void,
  ) {
    this.#settings = settings;
    this.#board = board;
    this.#journal = journal;
    this.#members = members;
    this.#batchSize = Math.max(1, Math.min(largestBatch, Math.floor(settings.concurrency / 4)));
    this.#limit = pLimit(Math.floor(settings.concurrency / this.#batchSize));
    this.#onOverdue = onOverdue;
    this.#graceMs = Math.min(Math.max(settings.timeoutMs / 20, 5), 50);
  }

  /** Pings these storages. Resolves when each is answered, or has been silent for the grace time. Never rejects. */
  async sweep(ids: Uint32Array): Promise<void> {
    const batches: Promise<void>[] = [];
    for (let from = 0; from < ids.length; from += this.#batchSize) {
      const batch = ids.subarray(from, from + this.#batchSize);
      batches.push(this.#limit(() => this.#pingBatch(batch)));
    }
    await Promise.all(batches);
  }

  conclude(id: number, number: number, conclusion: Conclusion): void {
    const member = this.#members.get(id);
    const ping = member?.ping;
    if (member === undefined || ping?.number !== number) return;
    switch (conclusion.verdict) {
      case 'alive':
        ping.concludeByBytes();
        return;
      case 'busy':
        this.#journal.busy(member);
        ping.proceedWithoutLock();
        return;
      case 'dead': {
        const { silentMs, diagnosis } = conclusion;
        const error = silence(member.name, silentMs, diagnosis);
        const outage = new Outage(performance.now(), diagnosis, this.#addressOf(member));
        // Dropped before the lock comes free, so that whoever waits for the lock meets no half-dead connection.
        this.#journal.contain(member, () => member.storage.drop(error, ping.generation));
        ping.conclude({ result: 'dead', error, silentMs, diagnosis });
        this.#beginOutage(member, outage);
      }
    }
  }

  /** Puts on the board which of the storages that are being pinged have received bytes. */
  noteBytesReceived(): void {
    for (const member of this.#members.values()) {
      if (member.ping !== undefined) this.#journal.contain(member, () => member.ping?.noteBytesReceived());
    }
  }

  /** From now on nothing is pinged any more, whatever the worker has asked for. */
  close(): void {
    this.#closed = true;
    this.abandonAll();
  }

  /** Ends every ping, as when the worker that watched over them is gone. The locks come free. */
  abandonAll(): void {
    for (const member of this.#members.values()) this.abandon(member);
  }

  abandon(member: Member): void {
    member.ping?.conclude({ result: 'abandoned' });
  }

  #pingBatch(ids: Uint32Array): Promise<void> {
    return new Promise((resolve) => {
      const open = new Set<Ping>();
      let endWait = () => {};
      for (const id of ids) {
        this.#ping(id, open, () => {
          if (open.size > 0) return;
          endWait();
          resolve();
        });
      }
      if (open.size === 0) return resolve();
      const grace = setTimeout(() => {
        resolve();
        endWait = this.#lease(open);
      }, this.#graceMs).unref();
      endWait = () => clearTimeout(grace);
    });
  }

  /**
   * It is the worker that ends silent pings. Should it fail to, their hold on the locks ends here.
   *
   * @returns calls it off, when all have ended
   */
  #lease(open: ReadonlySet<Ping>): () => void {
    const leaseMs = budgetsFor(this.#settings.timeoutMs).lockMs + this.#settings.timeoutMs + leaseMarginMs;
    const expire = () => {
      for (const ping of open) ping.conclude({ result: 'abandoned' });
      this.#onOverdue();
    };
    return startDeadline(leaseMs, expire, false);
  }

  #ping(id: number, open: Set<Ping>, onEnd: () => void): void {
    const member = this.#members.get(id);
    if (this.#closed || member === undefined || !this.#isDue(member)) return;
    member.pings += 1;
    this.#journal.sending(member);
    try {
      const ping = new Ping(id, member.storage, this.#board, {
        lockFailed: (error) => this.#journal.misbehaved(member, error),
        ended: (ended, outcome) => {
          if (member.ping === ended) member.ping = undefined;
          open.delete(ended);
          this.#journal.ended(member, outcome);
          onEnd();
        },
      });
      member.ping = ping;
      open.add(ping);
      ping.start();
    } catch (error) {
      this.#journal.ended(member, { result: 'failed', error });
    }
  }

  /** Whether there is a connection to ping, and a need to. */
  #isDue(member: Member): boolean {
    // One that is still out when the worker asks anew has been overtaken by a stall.
    this.abandon(member);
    try {
      if (!member.storage.ready) {
        if (member.outage === undefined) {
          this.#beginOutage(member, new Outage(performance.now(), 'unknown', undefined));
        }
        this.#journal.down(member);
        return false;
      }
      this.#endOutage(member);
      if (this.#settings.skipActive && this.#isActive(member)) this.#journal.active(member);
      else return true;
    } catch (error) {
      this.#journal.ended(member, { result: 'failed', error });
    }
    return false;
  }

  /** From now on the storage is expected to come back. */
  #beginOutage(member: Member, outage: Outage): void {
    member.outage = outage;
    // A storage that does not tell is looked at when its next ping is due.
    this.#journal.contain(member, () => {
      member.storage.once?.('connected', () => {
        if (member.outage === outage) this.#journal.contain(member, () => this.#endOutage(member));
      });
    });
  }

  #endOutage(member: Member): void {
    const { outage } = member;
    if (outage === undefined) return;
    member.outage = undefined;
    outage.ended(performance.now(), this.#addressOf(member));
    this.#journal.back(member, outage);
  }

  #addressOf(member: Member): string | undefined {
    let address: string | undefined;
    this.#journal.contain(member, () => {
      address = member.storage.address;
    });
    return address;
  }

  #isActive({ storage }: Member): boolean {
    const { lastReceivedAt } = storage;
    return lastReceivedAt !== undefined && performance.now() - lastReceivedAt < this.#settings.periodMs;
  }
}

function silence(name: string, silentMs: number, diagnosis: Diagnosis): KeepAliveError {
  return new KeepAliveError(
    'ERR_KEEPALIVE_TIMEOUT',
    `${name} sent no byte for ${(silentMs / 1000).toFixed(1)} s after a ping; ${causeInWords[diagnosis]}`,
    { retryable: true },
  );
}
