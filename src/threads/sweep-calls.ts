/**
 * The call that the worker makes in every period, `sweep`, as numbers beside the calls of comlink, for each of which that makes
 * proxies, an id and several objects.
 *
 *  worker ── number of the call, ids of the targets ──▶ main thread
 *  worker ◀── number of the call, ids of those that are still out ── main thread
 */
import type { PingHost } from './contract.js';

type Send = (numbers: Uint32Array) => void;

/** The worker's side. */
export class SweepCalls implements Pick<PingHost, 'sweep'> {
  readonly #send: Send;
  readonly #pending = new Map<number, (out: readonly number[]) => void>();
  #calls = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  sweep(ids: Uint32Array): Promise<readonly number[]> {
    const call = this.#calls;
    this.#calls = (call + 1) >>> 0;
    return new Promise((resolve) => {
      this.#pending.set(call, resolve);
      this.#send(message(call, ids));
    });
  }

  /** Called with what the main thread has sent. */
  returned([call, ...out]: Uint32Array): void {
    this.#pending.get(call as number)?.(out);
    this.#pending.delete(call as number);
  }
}

/** The main thread's side: makes the call that these numbers are, and sends what it returns. */
export async function answerSweep(
  numbers: Uint32Array,
  host: Pick<PingHost, 'sweep' | 'panicked'>,
  send: Send,
): Promise<void> {
  let out: readonly number[] = [];
  try {
    out = await host.sweep(numbers.subarray(1));
  } catch (error) {
    host.panicked(error instanceof Error ? error : new Error(String(error)));
  } finally {
    send(message(numbers[0] as number, out));
  }
}

function message(call: number, ids: ArrayLike<number>): Uint32Array {
  const numbers = new Uint32Array(1 + ids.length);
  numbers[0] = call;
  numbers.set(ids, 1);
  return numbers;
}
