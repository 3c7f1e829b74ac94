import { fromPerformanceNow, systemClock } from '../../async/clock.js';
import { KeepAliveError } from '../../model/errors.js';
import type { PingSucceeded } from '../../model/events.js';
import type { KeepAliveStorage } from '../../model/target.js';
import type { Board } from '../../threads/board.js';
import type { Lease, LockObserver, LockProxy } from './lock-proxy.js';
import type { Death } from './outage.js';

/** How a ping ended. */
export type PingOutcome =
  | ({ readonly result: 'succeeded' } & Pick<PingSucceeded, 'roundTripMs' | 'evidence' | 'verdict'>)
  | { readonly result: 'failed'; readonly error: unknown }
  /** The worker's verdict: the peer was silent. */
  | { readonly result: 'dead'; readonly error: KeepAliveError; readonly death: Death }
  /** This process stood still meanwhile; another ping takes its place. */
  | { readonly result: 'stalled' }
  /** Nobody is interested any more: storage removed, agent stopped, worker or connection gone. */
  | { readonly result: 'abandoned' };

/** What is pinged. */
export interface PingSubject {
  /** Its slot on the board. */
  readonly id: number;
  readonly storage: KeepAliveStorage;
  /** Its load lock. */
  readonly lock: LockProxy;
  /** How many bytes of the connection `deliveredGeneration` have arrived for certain: those up to its last answered ping. */
  deliveredBytes: number;
  deliveredGeneration: number;
}

/** Who is told what becomes of pings. */
export interface PingObserver<Subject extends PingSubject> {
  /** Giving back the load lock threw, of a ping that may have ended long ago. */
  lockFailed(ping: Ping<Subject>, error: unknown): void;
  /** Once. */
  ended(ping: Ping<Subject>, outcome: PingOutcome): void;
}

/**
 * One ping of one storage: load lock, round trip, unlock.
 *
 * It ends once, by the storage's answer or by `conclude`. From then on the load lock is free and the storage's signal is
 * aborted, whatever the storage does.
 */
export class Ping<Subject extends PingSubject = PingSubject> implements LockObserver {
  readonly subject: Subject;
  /** The ping's number on the board. */
  readonly number: number;
  readonly #storage: KeepAliveStorage;
  readonly #board: Board;
  readonly #id: number;
  readonly #observer: PingObserver<Subject>;
  #abort: AbortController | undefined;
  #lockWait: AbortController | undefined;
  #lease: Lease | undefined;
  #generation = 0;
  #sentAtMs = 0;
  /** Whether the connection has it, and has not written it. */
  #isQueued = false;
  /** What the storage had written when it wrote the ping, that included; `undefined` when unknown. */
  #writtenBytes: number | undefined;
  #isOutlasted = false;
  #ended = false;

  constructor(subject: Subject, board: Board, observer: PingObserver<Subject>) {
    const { id, storage } = subject;
    this.subject = subject;
    this.#id = id;
    this.#storage = storage;
    this.#board = board;
    this.#observer = observer;
    this.number = board.pingWaits(id, systemClock.now());
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The connection that it was sent on. */
  get generation(): number {
    return this.#generation;
  }

  /** How long ago it was sent, in milliseconds. */
  get sentAgoMs(): number {
    return systemClock.now() - this.#sentAtMs;
  }

  /** Begins the ping. Does not throw: what the storage throws ends the ping. */
  start(): void {
    // Whoever was told of it may have removed the storage.
    if (this.#ended) return;
    try {
      const nowMs = systemClock.now();
      this.#noteBytesReceived(nowMs);
      this.#lease = this.subject.lock.tryAcquire(this);
      if (this.#lease === undefined) this.#waitForLock();
      else this.#send(nowMs);
    } catch (error) {
      this.#end({ result: 'failed', error });
    }
  }

  /**
   * The load lock was not to be had in time. It orders the host's own calls; the connection can take this one. Returns
   * whether the ping was still waiting for the lock.
   */
  proceedWithoutLock(): boolean {
    if (this.#lockWait === undefined) return false;
    this.#lockWait.abort();
    this.#lockWait = undefined;
    this.#send(systemClock.now());
    return true;
  }

  /** @internal Of the load lock, to whom it may concern. */
  lockFailed(error: unknown): void {
    this.#observer.lockFailed(this, error);
  }

  /** Gives the load lock back, if the ping has it, and leaves the ping out. */
  releaseLock(): void {
    const lease = this.#lease;
    this.#lease = undefined;
    lease?.end();
  }

  /** Ends the ping from outside. */
  conclude(outcome: PingOutcome): void {
    this.#end(outcome);
  }

  /** The timeout is over, and the connection is at work all the same: the load lock comes free, the ping stays out. */
  outlast(): void {
    this.#isOutlasted = true;
    this.releaseLock();
  }

  /** Another ping takes its place. */
  supersede(): void {
    if (this.#isOutlasted && this.#isHeard()) this.concludeByBytes();
    else this.#end({ result: 'stalled' });
  }

  /** A success that other bytes than the answer prove. */
  concludeByBytes(): void {
    // Only for the load lock does a ping wait so long that others prove the server alive before its timeout.
    const verdict = this.#isOutlasted ? 'slow' : 'busy';
    this.#end({ result: 'succeeded', roundTripMs: undefined, evidence: 'bytes', verdict });
  }

  /** Puts on the board what has come from the server and gone to it since. What the storage throws ends the ping. */
  noteTraffic(): void {
    try {
      const nowMs = systemClock.now();
      this.#noteBytesReceived(nowMs);
      if (this.#isQueued) this.#noteWritten(nowMs);
      if (this.#writtenBytes === undefined) return;
      const { outgoing } = this.#storage;
      if (outgoing === undefined) return;
      this.#board.bytesSentSince(
        this.#id,
        outgoing.writtenBytes - outgoing.heldBackBytes - this.#writtenBytes,
      );
    } catch (error) {
      this.#end({ result: 'failed', error });
    }
  }

  #isHeard(): boolean {
    try {
      const { lastReceivedAt } = this.#storage;
      return lastReceivedAt !== undefined && fromPerformanceNow(lastReceivedAt) > this.#sentAtMs;
    } catch {
      return false;
    }
  }

  #noteBytesReceived(nowMs: number): void {
    const { lastReceivedAt } = this.#storage;
    // A storage that is ahead of the clock, as one that counts by another, would be alive for ever.
    const atMs =
      lastReceivedAt === undefined ? undefined : Math.min(fromPerformanceNow(lastReceivedAt), nowMs);
    this.#board.bytesReceived(this.#id, atMs);
  }

  #waitForLock(): void {
    const wait = new AbortController();
    this.#lockWait = wait;
    this.subject.lock.acquire(this, wait.signal).then(
      (lease) => {
        this.#lockWait = undefined;
        this.#lease = lease;
        if (this.#ended) lease.end();
        else this.#send(systemClock.now());
      },
      (error) => {
        if (this.#lockWait === wait) this.#end({ result: 'failed', error });
      },
    );
  }

  #send(nowMs: number): void {
    let answer: Promise<unknown>;
    try {
      // Only now: while the ping waited for the lock, the storage may have got another connection.
      this.#generation = this.#storage.generation;
      this.#board.connectedBy(this.#id, this.#storage.socketPorts);
      this.#sentAtMs = nowMs;
      // Whatever is returned that is not a promise counts as an answer, as `await` would have it.
      answer = Promise.resolve(this.#ask());
      this.#noteWritten(nowMs);
    } catch (error) {
      this.#end({ result: 'failed', error });
      return;
    }
    answer.then(
      () => this.#answered(),
      (error) => this.#end({ result: 'failed', error }),
    );
  }

  /** The ping was handed to the connection: puts on the board whether it is written, and what is before it. */
  #noteWritten(nowMs: number): void {
    if (this.#ended) return;
    const { outgoing } = this.#storage;
    this.#isQueued = outgoing?.isPingQueued === true;
    if (this.#isQueued) {
      this.#board.pingQueued(this.#id);
      return;
    }
    this.#writtenBytes = outgoing?.writtenBytes;
    this.#board.pingSent(this.#id, nowMs, outgoing && this.#bytesAhead(outgoing.writtenBytes));
  }

  /** How many bytes at most may be on their way before the ping; its own few count, too. */
  #bytesAhead(writtenBytes: number): number {
    const { deliveredBytes, deliveredGeneration } = this.subject;
    return Math.max(0, writtenBytes - (deliveredGeneration === this.#generation ? deliveredBytes : 0));
  }

  #ask(): unknown {
    if (this.#storage.ignoresPingSignal) return (this.#storage.ping as () => unknown).call(this.#storage);
    this.#abort = new AbortController();
    return this.#storage.ping(this.#abort.signal);
  }

  #answered(): void {
    if (!this.#ended && this.#writtenBytes !== undefined) {
      this.subject.deliveredBytes = this.#writtenBytes;
      this.subject.deliveredGeneration = this.#generation;
    }
    this.#end({
      result: 'succeeded',
      roundTripMs: this.sentAgoMs,
      evidence: 'answer',
      verdict: 'alive',
    });
  }

  #end(outcome: PingOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#board.pingConcluded(this.#id);
    this.#lockWait?.abort();
    this.#lockWait = undefined;
    // An answered ping needs no abort; telling so to a storage that has finished would only cost.
    if (outcome.result !== 'succeeded' || outcome.evidence !== 'answer')
      this.#abort?.abort(reasonFor(outcome));
    this.releaseLock();
    this.#observer.ended(this, outcome);
  }
}

function reasonFor(outcome: PingOutcome): unknown {
  if ('error' in outcome) return outcome.error;
  return outcome.result === 'succeeded'
    ? new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', 'The ping was not answered in time; other bytes came', {
        retryable: true,
      })
    : new KeepAliveError('ERR_KEEPALIVE_ABANDONED', 'The ping is of no interest any more', {
        retryable: true,
      });
}
