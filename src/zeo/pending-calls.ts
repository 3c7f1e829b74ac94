import type { PendingCall } from './pending-call.js';

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

  add(call: PendingCall): void {
    call.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = call;
    else this.#newest.newer = call;
    this.#newest = call;
  }

  find(id: number): PendingCall | undefined {
    let call = this.#oldest;
    while (call !== undefined && call.id !== id) call = call.newer;
    return call;
  }

  /** @param call one that is there */
  remove(call: PendingCall): void {
    if (call.older === undefined) this.#oldest = call.newer;
    else call.older.newer = call.newer;
    if (call.newer === undefined) this.#newest = call.older;
    else call.newer.older = call.older;
  }

  /** Takes all of them out. */
  drain(): PendingCall[] {
    const calls: PendingCall[] = [];
    for (let call = this.#oldest; call !== undefined; call = call.newer) calls.push(call);
    this.#oldest = undefined;
    this.#newest = undefined;
    return calls;
  }
}
