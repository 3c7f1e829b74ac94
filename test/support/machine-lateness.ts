import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { totalStandstillMs } from './turning-clock.js';

/**
 * How late this machine is with whatever a process asks of it: the time for which a thread that has nothing to do but
 * look at the clock did not get to it. Next to nothing on a machine that is idle, seconds a minute on one that is crowded.
 */
export class MachineLateness {
  readonly #thread: Worker;
  #latenessMs = 0;

  constructor() {
    // This very file, as a thread.
    this.#thread = new Worker(new URL(import.meta.url), { execArgv: [] });
    this.#thread.unref();
    this.#thread.on('message', (latenessMs) => {
      this.#latenessMs = latenessMs;
    });
  }

  /** So far, in milliseconds. */
  get totalMs(): number {
    return this.#latenessMs;
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}

if (!isMainThread) {
  // The port keeps the thread alive.
  setInterval(() => parentPort?.postMessage(totalStandstillMs()), 100);
}
