/** What wants to know of an abort. */
export interface Abortable {
  aborted(reason: unknown): void;
}

/**
 * One listener a signal, however many calls share it: a hundred loads with one signal are no leak, and must not
 * make Node warn of one (`MaxListenersExceededWarning`).
 */
const watches = new WeakMap<AbortSignal, AbortWatch>();

/** Tells `abortable` when the signal aborts. To be ended by {@link unwatchAbort} if it does not. */
export function watchAbort(signal: AbortSignal, abortable: Abortable): void {
  let watch = watches.get(signal);
  if (watch === undefined) {
    watch = new AbortWatch(signal);
    watches.set(signal, watch);
  }
  watch.abortables.add(abortable);
}

/** The last one takes the listener off the signal. */
export function unwatchAbort(signal: AbortSignal, abortable: Abortable): void {
  const watch = watches.get(signal);
  if (watch === undefined) return;
  watch.abortables.delete(abortable);
  if (watch.abortables.size > 0) return;
  signal.removeEventListener('abort', watch);
  watches.delete(signal);
}

/** What a promise comes to, or the signal's reason when it aborts first: then the promise may come to what it likes. */
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

  /** What an `AbortSignal` calls. */
  handleEvent(): void {
    for (const abortable of [...this.abortables]) {
      unwatchAbort(this.#signal, abortable);
      abortable.aborted(this.#signal.reason);
    }
  }
}
