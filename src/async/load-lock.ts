/*
 * The load lock of a storage. In 2005 it was a mutex that every load held, and a ping took it between two loads.
 * Here loads share it, so that many can be in flight, and a ping holds it alone.
 *
 * Rules:
 * - A load passes a ping that waits: a ping is polite and must not slow its host down.
 * - A ping takes the lock the moment that no load is in flight, before any load that comes later.
 * - So that loads without a gap (a scan with several in flight) do not keep a ping out for ever: after
 *   `patienceMs` new loads are held back, but for `holdBackMs` at most. If those in flight were not done by then,
 *   one of them is slow, and waiting for it would hurt: the loads go on, and the ping is patient once more.
 *   A ping that never gets in while loads are slow is no loss: the bytes that arrive prove life, and when none
 *   arrive, the agent judges by that.
 * - When a ping gives the lock back, the loads that waited go first, all of them, then the next ping, in order.
 * - The timers exist only while a ping waits. Only the one that lets held loads go on holds the process.
 */

import { checkSignal } from '../model/invalid-argument.js';
import type { Lock } from '../model/target.js';
import { type Abortable, unwatchAbort, watchAbort } from './abort-watch.js';

/** How long pings let loads pass. Shorter than any sensible keep-alive timeout. */
const patienceMs = 250;
/** The most that one wait of a ping delays a load, apart from the ping itself. */
const holdBackMs = 50;

export class LoadLock implements Lock {
  #shares = 0;
  #exclusive = false;
  #holdingBack = false;
  #timer: NodeJS.Timeout | undefined;
  // Both are made when somebody waits, which for most of many thousand locks nobody ever does.
  #loads: Set<Waiter> | undefined;
  #pings: Set<Waiter> | undefined;

  /** Whether anyone holds it, alone or shared. */
  get locked(): boolean {
    return this.#exclusive || this.#shares > 0;
  }

  /** Takes the lock alone if nobody holds it this moment. */
  tryAcquire(): (() => void) | undefined {
    return this.locked ? undefined : this.#holdAlone();
  }

  /**
   * Takes the lock alone: waits until nobody holds it, first come, first served.
   *
   * @returns gives it back; a second call does nothing
   * @throws `signal.reason` when it aborts before the lock is taken; `ERR_ZEO_INVALID_ARGUMENT` when it would have to
   *   wait with a signal that is none
   */
  acquire(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.locked) return Promise.resolve(this.#holdAlone());
    this.#pings ??= new Set();
    const waiting = this.#wait(this.#pings, signal);
    if (this.#timer === undefined) this.#startPatience();
    return waiting;
  }

  /**
   * Takes a share: waits only while somebody holds the lock alone, or is being let in.
   *
   * @returns gives it back; a second call does nothing
   * @throws `signal.reason` when it aborts before the share is taken; as {@link acquire}
   */
  share(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#exclusive && !this.#holdingBack) return Promise.resolve(this.#holdShare());
    this.#loads ??= new Set();
    return this.#wait(this.#loads, signal);
  }

  /** Rejects all who wait now, with `error`; who holds it gives it back as ever. */
  rejectWaiters(error: Error): void {
    const waiters = [...(this.#loads ?? []), ...(this.#pings ?? [])];
    this.#loads?.clear();
    this.#pings?.clear();
    this.#settle();
    for (const waiter of waiters) waiter.reject(error);
  }

  #holdAlone(): () => void {
    this.#exclusive = true;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#exclusive = false;
      this.#settle();
    };
  }

  #holdShare(): () => void {
    this.#shares += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#shares -= 1;
      this.#settle();
    };
  }

  #wait(queue: Set<Waiter>, signal: AbortSignal | undefined): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve: (release) => {
          if (signal !== undefined) unwatchAbort(signal, waiter);
          resolve(release);
        },
        reject: (error) => {
          if (signal !== undefined) unwatchAbort(signal, waiter);
          reject(error);
        },
        aborted: (reason) => {
          queue.delete(waiter);
          this.#settle();
          reject(reason);
        },
      };
      checkSignal(signal);
      // First what may throw: who is in the queue is admitted, and would never give the lock back.
      if (signal !== undefined) watchAbort(signal, waiter);
      queue.add(waiter);
    });
  }

  /** Lets in whoever may go now. Called after every change of who holds or waits. */
  #settle(): void {
    const pings = this.#pings;
    if (pings === undefined || pings.size === 0) {
      if (this.#timer !== undefined) this.#stopTimer();
      if (this.#loads === undefined || this.#loads.size === 0) return;
    }
    if (this.#exclusive) return;
    const [ping] = pings ?? [];
    // Who is held back by a ping that is about to be let in goes after it; else the loads go first.
    if (!this.#holdingBack) this.#admitLoads();
    if (pings === undefined || ping === undefined || this.#shares > 0) return;
    pings.delete(ping);
    this.#stopTimer();
    if (pings.size > 0) this.#startPatience();
    ping.resolve(this.#holdAlone());
  }

  #admitLoads(): void {
    for (const load of this.#loads ?? []) {
      this.#loads?.delete(load);
      load.resolve(this.#holdShare());
    }
  }

  #startPatience(): void {
    this.#timer = setTimeout(() => {
      // While another ping has it, loads wait already; they are next, and only they can keep this one out.
      if (this.#exclusive) return this.#startPatience();
      this.#holdingBack = true;
      this.#timer = setTimeout(() => {
        this.#holdingBack = false;
        this.#startPatience();
        this.#settle();
      }, holdBackMs);
    }, patienceMs).unref();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#holdingBack = false;
  }
}

interface Waiter extends Abortable {
  readonly resolve: (release: () => void) => void;
  readonly reject: (error: unknown) => void;
}
