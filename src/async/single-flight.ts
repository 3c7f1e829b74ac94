import { unwatchAbort, watchAbort } from './abort-watch.js';

/**
 * Merges equal requests that are in flight at the same time (`ZEO/asyncio/client.py: load_before`).
 *
 * Rules:
 * - A request is joined only until it settles or is aborted; nothing is cached.
 * - Each caller may abort separately; when all have, the request itself is aborted. A caller without a signal never gives up.
 */
export class SingleFlight<T> {
  /**
   * Not a Map: from the tables that it leaves behind as keys come and go V8 still reaches what was in them, so that it copies, and
   * keeps for a while, a tenth of all results.
   */
  readonly #requests: { [key: string]: Request<T> } = Object.create(null);

  /**
   * Resolves to the result of the request in flight for `key`; without one, starts it.
   *
   * @param start starts the request; its signal aborts when all callers have given up
   * @throws what the request rejects with, or `signal.reason` when it aborts first
   */
  join(
    key: string,
    start: (signal: AbortSignal | undefined) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const request = this.#requests[key] ?? this.#start(key, start, signal !== undefined);
    request.callers += 1;
    return signal === undefined ? request.result : this.#abortable(key, request, signal);
  }

  #start(key: string, start: (signal: AbortSignal | undefined) => Promise<T>, canAbort: boolean): Request<T> {
    // If the first caller has no signal it never gives up, so the request needs none either.
    const controller = canAbort ? new AbortController() : undefined;
    const request: Request<T> = { result: start(controller?.signal), controller, callers: 0 };
    this.#requests[key] = request;
    const forget = () => this.#forget(key, request);
    // Also handles the rejection of a request that all callers have given up.
    request.result.then(forget, forget);
    return request;
  }

  #abortable(key: string, request: Request<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const caller = {
        aborted: (reason: unknown) => {
          request.callers -= 1;
          if (request.callers === 0) {
            // Before the abort: the next caller must not join a request that is being aborted.
            this.#forget(key, request);
            request.controller?.abort(reason);
          }
          reject(reason);
        },
      };
      watchAbort(signal, caller);
      request.result.finally(() => unwatchAbort(signal, caller)).then(resolve, reject);
    });
  }

  #forget(key: string, request: Request<T>): void {
    if (this.#requests[key] === request) delete this.#requests[key];
  }
}

interface Request<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController | undefined;
  /** How many callers have not given up. */
  callers: number;
}
