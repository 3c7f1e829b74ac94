import { type Abortable, unwatchAbort, watchAbort } from '../../async/abort-watch.js';
import { ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';
import type { MessageId, Value } from '../encoding/values.js';

/** A call that waits for its reply. If it has a signal, it watches that until it is settled. */
export class PendingCall implements Abortable {
  readonly id: number;
  /** Its neighbours in the list of {@link PendingCalls}. */
  older: PendingCall | undefined;
  newer: PendingCall | undefined;
  /** Whether the caller needs the value of the reply. */
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

  /** Rejects with the signal's reason if it aborts, after calling `forget` to remove the call from the list. */
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
 * The calls of one connection that wait for their replies, oldest first.
 *
 * Rules:
 * - Ids grow from the oldest call to the newest.
 * - A call that was removed has no neighbours.
 *
 * A linked list: replies mostly come in the order of the calls, so the search ends at the first element. A Map, whose table
 * V8 replaces each time it becomes empty, would cost more per ping, and 200 bytes per connection.
 */
export class PendingCalls {
  #oldest: PendingCall | undefined;
  #newest: PendingCall | undefined;
  #lastId = 0;

  /** The id of another call: 1, 2, … */
  takeId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** @param call its id must be greater than all others in the list */
  add(call: PendingCall): void {
    call.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = call;
    else this.#newest.newer = call;
    this.#newest = call;
  }

  /**
   * The call that a reply with that id is for; `undefined` if it was aborted.
   *
   * @throws ProtocolError if no call had that id
   */
  find(id: MessageId): PendingCall | undefined {
    if (typeof id !== 'number' || id < 1 || id > this.#lastId)
      throw new ProtocolError(mismatch('Unexpected reply', 'the id of a call that was made', id));
    let call = this.#oldest;
    // Ids grow, so the search for a call that was aborted ends at the first newer one.
    while (call !== undefined && call.id < id) call = call.newer;
    return call?.id === id ? call : undefined;
  }

  /** Removes one; does nothing if it is not in the list. */
  remove(call: PendingCall): void {
    const { older, newer } = call;
    if (older !== undefined) older.newer = newer;
    else if (this.#oldest === call) this.#oldest = newer;
    if (newer !== undefined) newer.older = older;
    else if (this.#newest === call) this.#newest = older;
    // Otherwise a removed call that V8 has moved to the old generation would keep all later ones until the next major GC.
    call.older = undefined;
    call.newer = undefined;
  }

  /** Removes all calls and returns them, oldest first. */
  drain(): PendingCall[] {
    const calls: PendingCall[] = [];
    for (let call = this.#oldest; call !== undefined; call = this.#oldest) {
      calls.push(call);
      this.remove(call);
    }
    return calls;
  }
}
