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
