import { type Abortable, unwatchAbort, watchAbort } from '../../async/abort-watch.js';
import type { Value } from '../encoding/values.js';

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

/**
 * The calls of one connection that wait for their replies, from the oldest on.
 *
 * A list of the calls themselves: replies come in the order of the calls, but for a few that the server takes longer for,
 * so that whose reply it is is found at once. A Map, of which V8 makes another one each time that it has become empty,
 * costs a ping more than that, and each connection 200 bytes.
 */
export class PendingCalls {
  #oldest: PendingCall | undefined;
  #newest: PendingCall | undefined;

  /** @param call of a greater id than all that are there */
  add(call: PendingCall): void {
    call.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = call;
    else this.#newest.newer = call;
    this.#newest = call;
  }

  find(id: number): PendingCall | undefined {
    let call = this.#oldest;
    // Ids grow: the late reply to a call that was aborted is older than all that are there, and found so at once.
    while (call !== undefined && call.id < id) call = call.newer;
    return call?.id === id ? call : undefined;
  }

  /** Takes one out; does nothing when it is not there. */
  remove(call: PendingCall): void {
    const { older, newer } = call;
    if (older !== undefined) older.newer = newer;
    else if (this.#oldest === call) this.#oldest = newer;
    if (newer !== undefined) newer.older = older;
    else if (this.#newest === call) this.#newest = older;
    // One that has grown old while it waited would keep all that came after it in memory until the next large collection.
    call.older = undefined;
    call.newer = undefined;
  }

  /** Takes all of them out. */
  drain(): PendingCall[] {
    const calls: PendingCall[] = [];
    for (let call = this.#oldest; call !== undefined; call = this.#oldest) {
      calls.push(call);
      this.remove(call);
    }
    return calls;
  }
}
