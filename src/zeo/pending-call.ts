import { type Abortable, unwatchAbort, watchAbort } from './abort-watch.js';
import type { Value } from './protocol/values.js';

/**
 * A call that waits for its reply. It watches its signal by itself, and only when it was given one.
 */
export class PendingCall implements Abortable {
  readonly id: number;
  /** Its neighbours among the {@link PendingCalls}. */
  older: PendingCall | undefined;
  newer: PendingCall | undefined;
  /** Whether the caller looks at the reply's value. */
  readonly wantsValue: boolean;
  readonly #resolve: (value: Value) => void;
  readonly #reject: (error: unknown) => void;
  #signal: AbortSignal | undefined;
  #forget: (() => void) | undefined;

  constructor(
    id: number,
    wantsValue: boolean,
    resolve: (value: Value) => void,
    reject: (error: unknown) => void,
  ) {
    this.id = id;
    this.wantsValue = wantsValue;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Rejects with the signal's reason when it aborts; `forget` then takes the call out of the books. */
  abortWith(signal: AbortSignal, forget: () => void): void {
    this.#signal = signal;
    this.#forget = forget;
    watchAbort(signal, this);
  }

  resolve(value: Value): void {
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
    this.#resolve(value);
  }

  reject(error: unknown): void {
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
    this.#reject(error);
  }

  aborted(reason: unknown): void {
    this.#forget?.();
    this.#reject(reason);
  }
}
