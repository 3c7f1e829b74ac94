import type { Lock } from '../storage.js';

/**
 * The agent's hand on one storage's load lock.
 *
 * A hold is a lease: whoever ends the ping ends it, whatever has become of the ping. A lock that is granted after
 * nobody wants it any more is given back at once.
 */
export class LockProxy {
  readonly #lock: Lock;
  readonly #onFault: (error: unknown) => void;

  /** @param onFault is told what giving the lock back throws */
  constructor(lock: Lock, onFault: (error: unknown) => void) {
    this.#lock = lock;
    this.#onFault = onFault;
  }

  /** Takes the lock if it is free this moment. */
  tryAcquire(): Lease | undefined {
    const release = this.#lock.tryAcquire?.();
    return release === undefined ? undefined : new Lease(release, this.#onFault);
  }

  /** Waits for the lock. Rejects with `signal.reason` when `signal` aborts first. */
  acquire(signal: AbortSignal): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      // A lock that throws instead of rejecting ends up in the same place.
      const granted = new Promise<() => void>((grant) => grant(this.#lock.acquire(signal)));
      granted
        .then((release) => {
          const lease = new Lease(release, this.#onFault);
          if (signal.aborted) lease.end();
          else resolve(lease);
        }, reject)
        .finally(() => signal.removeEventListener('abort', onAbort));
    });
  }
}

/** A hold on a lock that ends once. Ending it never throws: whoever does has other things to see to. */
export class Lease {
  readonly #onFault: (error: unknown) => void;
  #release: (() => void) | undefined;

  constructor(release: () => void, onFault: (error: unknown) => void) {
    this.#release = release;
    this.#onFault = onFault;
  }

  end(): void {
    const release = this.#release;
    this.#release = undefined;
    try {
      release?.();
    } catch (error) {
      this.#onFault(error);
    }
  }
}
