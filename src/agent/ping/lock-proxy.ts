import { contain } from '../../async/contain.js';
import type { KeepAliveTarget } from '../../model/target.js';

/**
 * The agent's access to one target's lock. A target without a lock is as one whose lock is always free.
 *
 * A hold is a lease: whoever ends the ping ends it, whatever has become of the ping. A lock that is granted after
 * nobody wants it any more is released at once.
 */
export class LockProxy {
  readonly #target: KeepAliveTarget;
  readonly #onReleaseFailed: (error: unknown) => void;

  /** @param onReleaseFailed receives what releasing the lock throws, of a ping that may have ended long ago */
  constructor(target: KeepAliveTarget, onReleaseFailed: (error: unknown) => void) {
    this.#target = target;
    this.#onReleaseFailed = onReleaseFailed;
  }

  /**
   * Takes the lock if it is free this moment.
   *
   * @throws what the target throws
   */
  tryAcquire(): Lease | undefined {
    const { lock } = this.#target;
    if (lock === undefined) return noLease;
    const release = lock.tryAcquire?.();
    return release === undefined ? undefined : new Lease(release, this.#onReleaseFailed);
  }

  /** Waits for the lock. Rejects with `signal.reason` when `signal` aborts first. */
  acquire(signal: AbortSignal): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      // A lock that throws instead of rejecting ends up in the same place.
      const granted = new Promise<() => void>((grant) =>
        grant(this.#target.lock?.acquire(signal) ?? noRelease),
      );
      granted
        .then((release) => {
          const lease = new Lease(release, this.#onReleaseFailed);
          if (signal.aborted) lease.end();
          else resolve(lease);
        }, reject)
        .finally(() => signal.removeEventListener('abort', onAbort));
    });
  }
}

/** A hold on a lock that ends once. Ending it never throws: whoever does has other things to see to. */
export class Lease {
  readonly #onReleaseFailed: (error: unknown) => void;
  #release: (() => void) | undefined;

  constructor(release: (() => void) | undefined, onReleaseFailed: (error: unknown) => void) {
    this.#release = release;
    this.#onReleaseFailed = onReleaseFailed;
  }

  end(): void {
    const release = this.#release;
    if (release === undefined) return;
    this.#release = undefined;
    contain(release, this.#onReleaseFailed);
  }
}

const noRelease = () => {};
/** Of a target without a lock. */
const noLease = new Lease(undefined, noRelease);
