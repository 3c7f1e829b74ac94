import { type Abortable, unwatchAbort, watchAbort } from './abort-watch.js';

/**
 * A lock with one holder at a time.
 *
 * Rules:
 * - It is granted in the order of the calls. A release hands it to the next waiter at once, so that no later call overtakes.
 * - A waiter that is admitted, aborted or rejected leaves both the queue and its signal.
 */
export class Mutex {
  #held = false;
  /** Created when needed: most are never waited for. */
  #waiting: Set<Waiter> | undefined;

  /**
   * Waits until the lock is free and takes it.
   *
   * @returns the function that releases it; a second call does nothing
   * @throws `signal.reason` when it aborts before the lock is taken, or the error of {@link rejectWaiters}
   */
  acquire(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#held) return Promise.resolve(this.#hold());
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting?.delete(waiter);
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
      // What may throw comes first: a waiter that stays in the queue would be given the lock and never release it.
      if (signal !== undefined) watchAbort(signal, waiter);
      this.#waiting ??= new Set();
      this.#waiting.add(waiter);
    });
  }

  /** Rejects everybody who is waiting; the holder releases the lock as usual. */
  rejectWaiters(error: Error): void {
    for (const waiter of [...(this.#waiting ?? [])]) waiter.aborted(error);
  }

  #hold(): () => void {
    this.#held = true;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#held = false;
      const [next] = this.#waiting ?? [];
      next?.admit(this.#hold());
    };
  }
}

interface Waiter extends Abortable {
  admit(release: () => void): void;
}
