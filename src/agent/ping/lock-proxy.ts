import { contain } from '../../async/contain.js';
import type { KeepAliveTarget } from '../../model/target.js';

/** Whose lock it is. */
export interface LockOwner {
  readonly target: KeepAliveTarget;
  /** Receives what releasing the lock throws, perhaps long after the ping has ended. Must not throw. */
  releaseFailed(error: unknown): void;
}

/**
 * The agent's access to the lock of one target. A target without a lock is treated as one whose lock is always free.
 *
 * Rules:
 * - A hold on the lock is a lease, which ends with the ping however that ends.
 * - A lock that is granted after the wait was aborted is released at once.
 */
export class LockProxy {
  // Instead of a closure, of which there would be one for each of thousands of targets.
  readonly #owner: LockOwner;

  constructor(owner: LockOwner) {
    this.#owner = owner;
  }

  /**
   * Takes the lock if it is free.
   *
   * @throws what the target throws
   */
  tryAcquire(): Lease | undefined {
    const { lock } = this.#owner.target;
    if (lock === undefined) return noLease;
    const release = lock.tryAcquire?.();
    return release === undefined ? undefined : new Lease(release, this.#owner);
  }

  /** Waits for the lock. Rejects with what the target throws, or with `signal.reason` when `signal` aborts first. */
  acquire(signal: AbortSignal): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      // Called in here so that a lock that throws instead of rejecting is handled in the same way.
      const granted = new Promise<() => void>((grant) =>
        grant(this.#owner.target.lock?.acquire(signal) ?? noRelease),
      );
      granted
        .then((release) => {
          const lease = new Lease(release, this.#owner);
          if (signal.aborted) lease.end();
          else resolve(lease);
        }, reject)
        .finally(() => signal.removeEventListener('abort', onAbort));
    });
  }
}

/** A hold on a lock. It can be ended once, and `end` does not throw. */
export class Lease {
  readonly #owner: Pick<LockOwner, 'releaseFailed'>;
  #release: (() => void) | undefined;

  constructor(release: (() => void) | undefined, owner: Pick<LockOwner, 'releaseFailed'>) {
    this.#release = release;
    this.#owner = owner;
  }

  end(): void {
    const release = this.#release;
    if (release === undefined) return;
    this.#release = undefined;
    contain(release, (error) => this.#owner.releaseFailed(error));
  }
}

const noRelease = () => {};
/** The lease of a target without a lock. */
const noLease = new Lease(undefined, { releaseFailed: () => {} });
