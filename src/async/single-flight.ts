import { unwatchAbort, watchAbort } from './abort-watch.js';

/**
 * Joins equal requests that are in flight at the same time into one (`ZEO/asyncio/client.py: load_before`).
 *
 * Each caller may give up by itself; when all have, the request itself is aborted.
 */
export class SingleFlight<T> {
  readonly #requests = new Map<string, Request<T>>();

  /**
   * The result of the request of that key, which is started when there is none.
   *
   * @throws what the request throws, or `signal.reason`
   */
  join(
    key: string,
    start: (signal: AbortSignal | undefined) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const request = this.#requests.get(key) ?? this.#start(key, start, signal !== undefined);
    request.callers += 1;
    return signal === undefined ? request.result : this.#abortable(key, request, signal);
  }

  #start(key: string, start: (signal: AbortSignal | undefined) => Promise<T>, canAbort: boolean): Request<T> {
    // A first caller without a signal never gives up, and so the request needs none.
    const controller = canAbort ? new AbortController() : undefined;
    const request: Request<T> = { result: start(controller?.signal), controller, callers: 0 };
    this.#requests.set(key, request);
    const forget = () => this.#forget(key, request);
    // Also what keeps a request that everybody gave up from being an unhandled rejection.
    request.result.then(forget, forget);
    return request;
  }

  #abortable(key: string, request: Request<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const caller = {
        aborted: (reason: unknown) => {
          request.callers -= 1;
          if (request.callers === 0) {
            // First out of the books: who asks next must not join what is being aborted.
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
    if (this.#requests.get(key) === request) this.#requests.delete(key);
  }
}

interface Request<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController | undefined;
  /** How many have not given up. */
  callers: number;
}
