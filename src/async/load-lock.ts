/*
 * The load lock of a storage. In the original of 2005 it was a mutex that every load held, and a ping took it between two
 * loads. Here loads share it, so that many can be in flight, and a ping holds it exclusively.
 *
 * Rules:
 * - A load may overtake a waiting ping: a ping must not slow the application down.
 * - A ping takes the lock as soon as no load is in flight, before any load that comes later.
 * - Loads without a gap (a scan with several in flight) do not keep a ping out forever: after `patienceMs` new loads are held
 *   back, for `holdBackMs` at most. If the loads in flight have not finished by then, one of them is slow, and waiting for it
 *   would hurt: the held loads continue, and `patienceMs` starts again.
 *   Nothing is lost if a ping never gets the lock while loads are slow: bytes that arrive prove the peer alive, and if none
 *   arrive, the agent sends the ping without the lock.
 * - When a ping releases the lock, all waiting loads go first, then the next ping, in order.
 * - The timers exist only while a ping waits. Only the one that ends holding back keeps the process alive.
 */

import { checkSignal } from '../model/invalid-argument.js';
import type { Lock } from '../model/target.js';
import { type Abortable, unwatchAbort, watchAbort } from './abort-watch.js';

/** How long pings let loads pass. Shorter than any sensible keep-alive timeout. */
const patienceMs = 250;
/** How long one waiting ping may hold back loads, in addition to the ping itself. */
const holdBackMs = 50;

export class LoadLock implements Lock {
  #shares = 0;
  #exclusive = false;
  #holdingBack = false;
  #timer: NodeJS.Timeout | undefined;
  // Created when needed: there may be many thousand locks, and most are never waited for.
  #loads: Set<Waiter> | undefined;
  #pings: Set<Waiter> | undefined;

  /** Whether the lock is held, exclusively or shared. */
  get locked(): boolean {
    return this.#exclusive || this.#shares > 0;
  }

  /** Takes the lock exclusively if it is free. Returns the function that releases it; a second call does nothing. */
  tryAcquire(): (() => void) | undefined {
    return this.locked ? undefined : this.#holdAlone();
  }

  /**
   * Takes the lock exclusively: waits until it is free, first come, first served.
   *
   * @returns the function that releases it; a second call does nothing
   * @throws `signal.reason` when it aborts before the lock is taken; `ERR_ZEO_INVALID_ARGUMENT` when it would have to wait
   *   and `signal` is not an AbortSignal; the error of {@link rejectWaiters}
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
   * Takes a share of the lock: waits only while it is held exclusively, or loads are held back for a ping.
   *
   * @returns the function that releases it; a second call does nothing
   * @throws as {@link acquire}
   */
  share(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#exclusive && !this.#holdingBack) return Promise.resolve(this.#holdShare());
    this.#loads ??= new Set();
    return this.#wait(this.#loads, signal);
  }

  /** Rejects everybody who is waiting; the holders release the lock as usual. */
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
      // What may throw comes first: a waiter that stays in the queue would be given the lock and never release it.
      if (signal !== undefined) watchAbort(signal, waiter);
      queue.add(waiter);
    });
  }

  /** Admits the waiters that may go now. Called after every change of holders or waiters. */
  #settle(): void {
    const pings = this.#pings;
    if (pings === undefined || pings.size === 0) {
      if (this.#timer !== undefined) this.#stopTimer();
      if (this.#loads === undefined || this.#loads.size === 0) return;
    }
    if (this.#exclusive) return;
    const [ping] = pings ?? [];
    // Loads that are held back for a ping go after it; otherwise they go first.
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
      // While another ping holds the lock, loads wait anyway, and go before this one: hold back only those after them.
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
