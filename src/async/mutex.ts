import { type Abortable, unwatchAbort, watchAbort } from './abort-watch.js';

/** Lets one transaction of a storage at a time through, in the order in which they came. */
export class CommitLock {
  #held = false;
  readonly #waiting = new Set<Waiter>();

  /**
   * Waits until the lock is free and takes it.
   *
   * @returns gives it back; a second call does nothing
   * @throws `signal.reason` when it aborts before the lock is taken, or the error of {@link rejectWaiters}
   */
  acquire(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#held) return Promise.resolve(this.#hold());
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        if (signal !== undefined) unwatchAbort(signal, waiter);
      };
      const waiter: Waiter = {
        admit: (release) => {
          leave();
          resolve(release);
        },
        aborted: (reason) => {
          leave();
          reject(reason);
        },
      };
      // First what may throw: who is in the queue is admitted, and would never give the lock back.
      if (signal !== undefined) watchAbort(signal, waiter);
      this.#waiting.add(waiter);
    });
  }

  /** Rejects all who wait now; who holds it gives it back as ever. */
  rejectWaiters(error: Error): void {
    for (const waiter of [...this.#waiting]) waiter.aborted(error);
  }

  #hold(): () => void {
    this.#held = true;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#held = false;
      const [next] = this.#waiting;
      next?.admit(this.#hold());
    };
  }
}

interface Waiter extends Abortable {
  admit(release: () => void): void;
}
