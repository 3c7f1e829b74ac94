import type { PingHost } from '../threads/contract.js';

/** How a loop calls the main thread without waiting for it, and survives its own exceptions. */
export class HostCalls {
  readonly #host: Pick<PingHost, 'panicked'>;

  constructor(host: Pick<PingHost, 'panicked'>) {
    this.#host = host;
  }

  /** Runs a step of the loop. An exception is reported, and does not end the loop. */
  guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.panicked(error);
    }
  }

  panicked(error: unknown): void {
    this.notify(() => this.#host.panicked(error instanceof Error ? error : new Error(String(error))));
  }

  /** Calls the main thread without waiting. Its failure is ignored: an unhandled rejection would end the thread. */
  notify(call: () => unknown): void {
    const caught = async () => call();
    caught().catch(() => {});
  }
}
