/** Receives the abort of a signal. */
export interface Abortable {
  aborted(reason: unknown): void;
}

/**
 * One watch, and so one listener, per signal, however many calls share it: a hundred loads with one signal are not a leak, and
 * must not make Node warn of one (`MaxListenersExceededWarning`). The last `unwatchAbort`, or the abort, removes the listener.
 */
const watches = new WeakMap<AbortSignal, AbortWatch>();

/** Calls `abortable.aborted` once if the signal aborts later. Call {@link unwatchAbort} to stop watching. */
export function watchAbort(signal: AbortSignal, abortable: Abortable): void {
  let watch = watches.get(signal);
  if (watch === undefined) {
    watch = new AbortWatch(signal);
    watches.set(signal, watch);
  }
  watch.abortables.add(abortable);
}

/** Undoes {@link watchAbort}; the last one removes the listener from the signal. */
export function unwatchAbort(signal: AbortSignal, abortable: Abortable): void {
  const watch = watches.get(signal);
  if (watch === undefined) return;
  watch.abortables.delete(abortable);
  if (watch.abortables.size > 0) return;
  signal.removeEventListener('abort', watch);
  watches.delete(signal);
}

/**
 * Settles as the promise does, unless the signal aborts first: then it rejects with the signal's reason and the promise is
 * ignored.
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const caller = { aborted: reject };
    if (signal.aborted) reject(signal.reason);
    else watchAbort(signal, caller);
    promise.finally(() => unwatchAbort(signal, caller)).then(resolve, reject);
  });
}

class AbortWatch {
  readonly abortables = new Set<Abortable>();
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this);
  }

  /** Called by the `AbortSignal`. */
  handleEvent(): void {
    for (const abortable of [...this.abortables]) {
      unwatchAbort(this.#signal, abortable);
      abortable.aborted(this.#signal.reason);
    }
  }
}
