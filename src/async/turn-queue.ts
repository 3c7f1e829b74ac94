import { type Abortable, unwatchAbort, watchAbort } from './abort-watch.js';

interface Waiter extends Abortable {
  admit(): void;
}

/** Callers that wait for their turn, first come, first served. One that gives up takes no turn. */
export class TurnQueue {
  readonly #waiting = new Set<Waiter>();

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** @throws `signal.reason` when it aborts before {@link admitNext}; the error of {@link rejectAll} */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        unwatchAbort(signal, waiter);
      };
      const waiter: Waiter = {
        admit: () => {
          leave();
          resolve();
        },
        aborted: (reason) => {
          leave();
          reject(reason);
        },
      };
      watchAbort(signal, waiter);
      this.#waiting.add(waiter);
    });
  }

  admitNext(): void {
    const [next] = this.#waiting;
    next?.admit();
  }

  rejectAll(reason: Error): void {
    for (const waiter of [...this.#waiting]) waiter.aborted(reason);
  }
}
