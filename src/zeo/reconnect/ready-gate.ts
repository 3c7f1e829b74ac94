import { type Abortable, unwatchAbort, watchAbort } from '../../async/abort-watch.js';
import { startDeadline } from '../../async/deadline.js';

/**
 * Where calls wait for a connection.
 *
 * Rules:
 * - It does not remember whether it is open: callers wait only while there is no connection.
 * - Each wait ends once, by `open`, `fail`, its timeout or its signal, and leaves no timer and no listener behind.
 */
export class ReadyGate {
  /** Only while somebody waits: most of the time there is a connection. */
  #waiters: Set<Waiter> | undefined;

  /**
   * Resolves when there is a connection.
   *
   * @param timeoutMs 0: rejects at once
   * @param timeoutError creates the error to reject with after `timeoutMs`
   * @throws that error, the one of {@link fail}, or `signal.reason`
   */
  wait(timeoutMs: number, timeoutError: () => Error, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (timeoutMs === 0) return Promise.reject(timeoutError());
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiters?.delete(waiter);
        if (this.#waiters?.size === 0) this.#waiters = undefined;
        endDeadline();
        if (signal !== undefined) unwatchAbort(signal, waiter);
      };
      const waiter: Waiter = {
        pass: () => {
          leave();
          resolve();
        },
        fail: (error) => {
          leave();
          reject(error);
        },
        aborted: (reason) => waiter.fail(reason),
      };
      // Before the timer is started: it may throw.
      if (signal !== undefined) watchAbort(signal, waiter);
      const endDeadline = startDeadline(timeoutMs, () => waiter.fail(timeoutError()));
      this.#waiters ??= new Set();
      this.#waiters.add(waiter);
    });
  }

  /** Resolves all current waits. */
  open(): void {
    for (const waiter of [...(this.#waiters ?? [])]) waiter.pass();
  }

  /** Rejects all current waits. */
  fail(error: Error): void {
    for (const waiter of [...(this.#waiters ?? [])]) waiter.fail(error);
  }
}

interface Waiter extends Abortable {
  pass(): void;
  fail(error: unknown): void;
}
