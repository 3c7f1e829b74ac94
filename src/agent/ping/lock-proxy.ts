import { contain } from '../../async/contain.js';
import type { KeepAliveStorage } from '../../model/target.js';

export interface LockObserver {
  /** Giving back the lock threw. */
  lockFailed(error: unknown): void;
}

/**
 * The agent's hand on one storage's load lock.
 *
 * A hold is a lease: whoever ends the ping ends it, whatever has become of the ping. A lock that is granted after
 * nobody wants it any more is given back at once.
 */
export class LockProxy {
  readonly #storage: KeepAliveStorage;

  constructor(storage: KeepAliveStorage) {
    this.#storage = storage;
  }

  /**
   * Takes the lock if it is free this moment.
   *
   * @throws what the storage throws
   */
  tryAcquire(observer: LockObserver): Lease | undefined {
    const release = this.#storage.loadLock.tryAcquire?.();
    return release === undefined ? undefined : new Lease(release, observer);
  }

  /** Waits for the lock. Rejects with `signal.reason` when `signal` aborts first. */
  acquire(observer: LockObserver, signal: AbortSignal): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      // A lock that throws instead of rejecting ends up in the same place.
      const granted = new Promise<() => void>((grant) => grant(this.#storage.loadLock.acquire(signal)));
      granted
        .then((release) => {
          const lease = new Lease(release, observer);
          if (signal.aborted) lease.end();
          else resolve(lease);
        }, reject)
        .finally(() => signal.removeEventListener('abort', onAbort));
    });
  }
}

/** A hold on a lock that ends once. Ending it never throws: whoever does has other things to see to. */
export class Lease {
  readonly #observer: LockObserver;
  #release: (() => void) | undefined;

  constructor(release: () => void, observer: LockObserver) {
    this.#release = release;
    this.#observer = observer;
  }

  end(): void {
    const release = this.#release;
    this.#release = undefined;
    contain(
      () => release?.(),
      (error) => this.#observer.lockFailed(error),
    );
  }
}
