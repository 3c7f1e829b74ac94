import type { TestContext } from 'node:test';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { totalStalledMs } from './turning-clock.js';

type Lateness = Pick<MachineLateness, 'totalMs' | 'allowanceMs' | 'stop'>;

/** The machine of a test of promises about time. */
export interface BusyMachine {
  /** By how much a promised time may be missed here. */
  readonly allowanceMs: number;
  /**
   * Makes assertions of what a busy machine can break: that something came in time, or that nothing was taken for dead
   * because it came late. The test goes on when they fail, so that what it asserts otherwise counts all the same.
   */
  inTime(assertions: () => void): void;
}

/** From this on, in the time of one test, nothing can be said of promises about time. */
const tooLateMs = 1000;

/**
 * Runs a test of promises about time. If nothing fails but its assertions `inTime`, and the machine was too busy for them,
 * it is skipped with that reason; CI accepts no skip.
 */
export async function unlessTooBusy(
  t: TestContext,
  body: (machine: BusyMachine) => Promise<void>,
  lateness: Lateness = new MachineLateness(),
): Promise<void> {
  const missed: unknown[] = [];
  const machine: BusyMachine = {
    get allowanceMs() {
      return lateness.allowanceMs;
    },
    inTime(assertions) {
      try {
        assertions();
      } catch (error) {
        missed.push(error);
      }
    },
  };
  try {
    await body(machine);
    if (missed.length === 0) return;
    if (lateness.totalMs < tooLateMs) throw missed[0];
    for (const error of missed) t.diagnostic(String(error));
    t.skip(
      `the machine was too busy: its processes waited for a processor for more than ${tooLateMs / 1000} s`,
    );
  } finally {
    await lateness.stop();
  }
}

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

  /** By how much a promised time may be missed on this machine: by its lateness in each of two processes, and a little. */
  get allowanceMs(): number {
    return 500 + 2 * this.totalMs;
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}

if (!isMainThread) {
  // The port keeps the thread alive.
  setInterval(() => parentPort?.postMessage(totalStalledMs()), 100);
}
