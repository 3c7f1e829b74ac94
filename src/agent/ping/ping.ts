import { fromPerformanceNow, systemClock } from '../../async/clock.js';
import type { KeepAliveTarget } from '../../model/target.js';
import type { Board } from '../../threads/board.js';
import type { Lease } from './lock-proxy.js';
import { abortReason, type PingOutcome } from './ping-outcome.js';
import type { TrackedTarget } from './tracked-target.js';
import { noteBytesReceived, noteBytesSent, recordConnection, recordNewConnection } from './traffic.js';

/**
 * One ping of one target: takes the lock, sends the ping, awaits the reply, releases the lock.
 *
 * Rules:
 * - It ends once, by the target's reply or from outside. After that it does not hold the lock, and the target's signal is
 *   aborted unless the reply came, whatever the target does.
 * - Each step (waiting, queued, sent, concluded) is written to the board before the worker can need it.
 */
export class Ping {
  readonly tracked: TrackedTarget;
  /** The ping's number on the board. */
  readonly number: number;
  readonly #target: KeepAliveTarget;
  readonly #board: Board;
  readonly #id: number;
  readonly #onEnded: (outcome: PingOutcome, ping: Ping) => void;
  #abort: AbortController | undefined;
  #lockWait: AbortController | undefined;
  #lease: Lease | undefined;
  #generation = 0;
  #sentAtMs = 0;
  /** Whether it was handed to the connection, which has not written it yet. */
  #isQueued = false;
  /** Whether it waits behind a request of the application, on a connection that answers in order. */
  #isBehindRequest = false;
  #wasSent = false;
  /** How many bytes the target had written up to the end of the ping; `undefined` when unknown. */
  #writtenBytes: number | undefined;
  /** Whether the timeout has expired while bytes were flowing. */
  #isOverdue = false;
  #ended = false;

  constructor(tracked: TrackedTarget, board: Board, onEnded: (outcome: PingOutcome, ping: Ping) => void) {
    const { id, target } = tracked;
    this.tracked = tracked;
    this.#id = id;
    this.#target = target;
    this.#board = board;
    this.#onEnded = onEnded;
    this.#sentAtMs = systemClock.now();
    this.number = board.pingWaits(id, this.#sentAtMs);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The generation of the connection that it is sent on. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether it was handed to the target. */
  get wasSent(): boolean {
    return this.#wasSent;
  }

  /** How long ago it was sent, or begun if it has not been sent; in milliseconds. */
  get sentAgoMs(): number {
    return systemClock.now() - this.#sentAtMs;
  }

  /**
   * Sends the ping as soon as it can be sent: at once, when the lock is free, or when this is called again because no request is
   * in its way any more. Does not throw: what the target throws ends the ping.
   */
  start(): void {
    // A listener may have removed the target.
    if (this.#ended) return;
    try {
      const nowMs = systemClock.now();
      noteBytesReceived(this.#board, this.tracked, nowMs);
      this.#isBehindRequest = this.#hasRequestOut();
      if (this.#isBehindRequest) {
        this.#generation = recordNewConnection(this.#board, this.tracked);
        return;
      }
      this.#lease = this.tracked.lock.tryAcquire();
      if (this.#lease === undefined) this.#waitForLock();
      else this.#send(nowMs);
    } catch (error) {
      this.conclude({ verdict: 'failed', error });
    }
  }

  /**
   * The lock was not free in time. It only orders the application's own calls, so the ping is sent without it. Returns whether
   * the ping was still waiting for the lock.
   */
  proceedWithoutLock(): boolean {
    if (this.#lockWait === undefined) return false;
    this.#lockWait.abort();
    this.#lockWait = undefined;
    this.#sendAfterWait();
    return true;
  }

  /** Releases the lock, if the ping holds it, and leaves the ping out. */
  releaseLock(): void {
    const lease = this.#lease;
    this.#lease = undefined;
    lease?.end();
  }

  /** Ends the ping, from outside too; nothing if it has ended. */
  conclude(outcome: PingOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#board.pingConcluded(this.#id);
    this.#lockWait?.abort();
    this.#lockWait = undefined;
    // A ping that was answered needs no abort, which would only cost time.
    if (outcome.verdict !== 'alive') this.#abort?.abort(abortReason(outcome));
    this.releaseLock();
    this.#onEnded(outcome, this);
  }

  /** The timeout has expired, but bytes are flowing: releases the lock and goes on waiting for the reply. */
  keepWaiting(): void {
    this.#isOverdue = true;
    this.releaseLock();
  }

  /** Ends the ping because another one takes its place. */
  supersede(): void {
    if (this.#isOverdue && this.#isHeard()) this.concludeByBytes();
    else this.conclude({ verdict: 'stalled' });
  }

  /** Ends the ping as successful, because other bytes than the reply have come. */
  concludeByBytes(): void {
    // Before the timeout, bytes only conclude a ping that waits for the lock or behind a request.
    const verdict = this.#isOverdue ? 'slow' : 'busy';
    this.conclude({ verdict, roundTripMs: undefined, evidence: 'bytes' });
  }

  /** Writes to the board what was received and sent since the last call. What the target throws ends the ping. */
  noteTraffic(): void {
    try {
      const nowMs = systemClock.now();
      noteBytesReceived(this.#board, this.tracked, nowMs);
      if (this.tracked.answersInOrder && !this.#wasSent && this.#hasOtherConnection()) {
        // Its outage, or its new connection, is reported when the next ping is due.
        this.conclude({ verdict: 'abandoned' });
        return;
      }
      if (this.#isBehindRequest && !this.#hasRequestOut()) {
        this.start();
        return;
      }
      if (this.#wasSent && this.#hasRequestOut()) {
        this.#callOff(nowMs);
        return;
      }
      if (this.#isQueued) this.#noteWritten(nowMs);
      if (this.#writtenBytes !== undefined) noteBytesSent(this.#board, this.tracked, this.#writtenBytes);
    } catch (error) {
      this.conclude({ verdict: 'failed', error });
    }
  }

  /**
   * A request has begun that may keep it from being answered, such as a script that runs before the answer is written. Silence
   * proves nothing any more; an answer still ends the ping.
   */
  #callOff(nowMs: number): void {
    this.#isBehindRequest = true;
    this.#wasSent = false;
    this.#isQueued = false;
    this.#isOverdue = false;
    this.#writtenBytes = undefined;
    this.#board.pingCalledOff(this.#id, nowMs);
    this.releaseLock();
  }

  /** Whether a ping would wait behind a request of the application. */
  #hasRequestOut(): boolean {
    return this.tracked.answersInOrder && this.#target.busy === true;
  }

  /** Whether the connection that it waits on is gone. */
  #hasOtherConnection(): boolean {
    return !this.#target.ready || this.#target.generation !== this.#generation;
  }

  #isHeard(): boolean {
    try {
      const { lastReceivedAt } = this.#target;
      return lastReceivedAt !== undefined && fromPerformanceNow(lastReceivedAt) > this.#sentAtMs;
    } catch {
      return false;
    }
  }

  #waitForLock(): void {
    this.#generation = recordNewConnection(this.#board, this.tracked);
    const wait = new AbortController();
    this.#lockWait = wait;
    this.tracked.lock.acquire(wait.signal).then(
      (lease) => {
        this.#lockWait = undefined;
        this.#lease = lease;
        if (this.#ended) lease.end();
        else this.#proceedWithLock();
      },
      (error) => {
        if (this.#lockWait === wait) this.conclude({ verdict: 'failed', error });
      },
    );
  }

  #proceedWithLock(): void {
    try {
      this.#isBehindRequest = this.#hasRequestOut();
      // The lock may be free again although the request that it was taken for is out, as where requests are pipelined.
      if (this.#isBehindRequest) this.releaseLock();
      else this.#sendAfterWait();
    } catch (error) {
      this.conclude({ verdict: 'failed', error });
    }
  }

  #sendAfterWait(): void {
    try {
      const nowMs = systemClock.now();
      // Often the lock is free because of a reply: the worker must not take the silence before it for one that lasts.
      noteBytesReceived(this.#board, this.tracked, nowMs);
      this.#send(nowMs);
    } catch (error) {
      this.conclude({ verdict: 'failed', error });
    }
  }

  /** @throws what the target throws */
  #send(nowMs: number): void {
    // Again, since the target may have reconnected while the ping waited for the lock.
    this.#generation = recordNewConnection(this.#board, this.tracked);
    // The target's own getters and lock may have removed it.
    if (this.#ended) {
      this.releaseLock();
      return;
    }
    this.#wasSent = true;
    this.#sentAtMs = nowMs;
    // A value that is not a promise counts as a reply, as with `await`.
    Promise.resolve(this.#callPing()).then(
      () => this.#answered(),
      (error) => this.conclude({ verdict: 'failed', error }),
    );
    this.#noteWritten(nowMs);
  }

  /** Called once the connection has the ping: writes to the board whether it is written, and how much is ahead of it. */
  #noteWritten(nowMs: number): void {
    if (this.#ended) return;
    const { outgoing } = this.#target;
    const wasQueued = this.#isQueued;
    this.#isQueued = outgoing?.isPingQueued === true;
    if (this.#isQueued) {
      // The target may connect for each ping: the board still has the ports of the previous connection.
      if (!wasQueued) this.#generation = recordConnection(this.#board, this.tracked);
      this.#board.pingQueued(this.#id);
      return;
    }
    // The target may have had to connect for it.
    if (wasQueued) this.#generation = recordConnection(this.#board, this.tracked);
    this.#writtenBytes = outgoing?.writtenBytes;
    const ahead = outgoing && this.tracked.bytesAhead(outgoing.writtenBytes, this.#generation);
    this.#board.pingSent(this.#id, nowMs, ahead);
  }

  #callPing(): unknown {
    if (this.#target.ignoresPingSignal) return (this.#target.ping as () => unknown).call(this.#target);
    this.#abort = new AbortController();
    return this.#target.ping(this.#abort.signal);
  }

  #answered(): void {
    if (!this.#ended && this.#writtenBytes !== undefined) {
      this.tracked.noteDelivered(this.#writtenBytes, this.#generation);
    }
    this.conclude({ verdict: 'alive', roundTripMs: this.sentAgoMs, evidence: 'answer' });
  }
}
