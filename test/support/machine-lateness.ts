import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { totalStalledMs } from './turning-clock.js';

/**
 * How late this machine is in running processes: the time in which a thread that only reads the clock did not get to run.
 * Next to nothing on an idle machine, seconds per minute on an overloaded one.
 */
export class MachineLateness {
  readonly #thread: Worker;
  #latenessMs = 0;

  constructor() {
    // This file itself, as a thread.
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
  setInterval(() => parentPort?.postMessage(totalStalledMs()), 100);
}
