import { transactionError } from './python-errors.js';

interface Waiting {
  readonly grant: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * One committer at a time for a storage, from its vote until it finishes, aborts or goes away; the others
 * wait in order. Source: ZEO/StorageServer.py, `LockManager`.
 *
 * The next one is granted the lock at once but runs in a microtask of its own: the reply that the previous
 * one is about to get is written first.
 */
export class CommitLock {
  #owner: object | undefined;
  #sinceMs: number | undefined;
  readonly #waiting = new Map<object, Waiting>();
  readonly #now: () => number;

  /** @param now milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get isLocked(): boolean {
    return this.#owner !== undefined;
  }

  /** When the owner got it, in milliseconds since 1970. */
  get lockedSinceMs(): number | undefined {
    return this.#sinceMs;
  }

  /** The number of owners that wait for it. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Takes the lock, or queues for it.
   *
   * @returns nothing when the caller has it now, else a promise of it; it rejects when the caller leaves the queue
   * with {@link release}.
   * @throws ServerError `StorageTransactionError` if the caller has it already or waits for it.
   */
  acquire(owner: object): Promise<void> | undefined {
    if (this.#owner === owner) throw transactionError('Already voting (locked)');
    if (this.#waiting.has(owner)) throw transactionError('Already voting (waiting)');
    if (this.#owner === undefined) {
      this.#grant(owner);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(owner, { grant: resolve, refuse: reject });
    });
  }

  /** Passes the lock on, or leaves the queue; does nothing for others. */
  release(owner: object): void {
    if (this.#owner !== owner) {
      const place = this.#waiting.get(owner);
      this.#waiting.delete(owner);
      place?.refuse(transactionError('Transaction was aborted while it waited for its vote'));
      return;
    }
    this.#owner = undefined;
    this.#sinceMs = undefined;
    for (const [next, place] of this.#waiting) {
      this.#waiting.delete(next);
      this.#grant(next);
      place.grant();
      return;
    }
  }

  #grant(owner: object): void {
    this.#owner = owner;
    this.#sinceMs = this.#now();
  }
}
