/**
 * One worker thread, from the attempt to start it until it has exited, in a pool of its own. A pool of piscina's is of no
 * use after a failure: it starts no more threads after one that failed before it was ready, and after one that failed
 * later it starts the next by itself, where nobody can catch what that throws.
 *
 * Rules:
 * - Whatever goes wrong, `onGone` is called, in a later turn or microtask. Why it went wrong may come a moment later.
 * - Nothing here throws or rejects. Whoever made a thread ends it, also one that could not be started.
 */
import { createHook } from 'node:async_hooks';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { HostApi, LoopApi, WorkerInit } from './contract.js';
import { connect, type Endpoint } from './endpoint.js';

export interface WorkerThreadOptions {
  /** The worker's entry. */
  readonly filename: URL;
  readonly init: Omit<WorkerInit, 'port'>;
  /** What the loop may call. */
  readonly api: HostApi;
  /** The loop is installed. */
  readonly onUp: () => void;
  /** It has ended, has hung up, or could not be started. May be called more than once, and when it is ended. */
  readonly onGone: () => void;
}

export class WorkerThread {
  readonly #onGone: () => void;
  readonly #pool: Piscina;
  readonly #endpoint: Endpoint<LoopApi>;
  #exited: Promise<void> | undefined;
  #error: unknown;
  #exitCode: number | undefined;
  #isEnded = false;

  constructor({ filename, init, api, onUp, onGone }: WorkerThreadOptions) {
    this.#onGone = onGone;
    const { port1, port2 } = new MessageChannel();
    this.#endpoint = connect<LoopApi>(port1, api);
    // The host may exit while the agent runs.
    port1.unref();
    void this.#endpoint.closed.then(onGone);
    this.#pool = createPool(filename);
    this.#pool.on('error', (error) => this.#failed(error));
    this.#pool.on('workerDestroy', () => queueMicrotask(onGone));
    const task: WorkerInit = { ...init, port: port2 };
    this.#run(task).then(onUp, (error) => this.#failed(error));
  }

  /** Why it is gone, as far as that is known. */
  get cause(): unknown {
    if (this.#error !== undefined) return this.#error;
    return new Error(
      this.#exitCode === undefined ? 'It closed its port' : `It exited with code ${this.#exitCode}`,
    );
  }

  socketsChanged(): void {
    this.#endpoint.remote.socketsChanged().catch(() => {});
  }

  targetsChanged(ids: Uint32Array): void {
    this.#endpoint.remote.targetsChanged(ids).catch(() => {});
  }

  /** Resolves when it answers, and else never. */
  async alive(): Promise<void> {
    await this.#endpoint.remote.alive();
  }

  /** Ends it. Resolves when it has exited, which one that blocks in a system call does not do before that returns. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#endpoint.close();
    // Where there is no thread `run` threw, and the pool would reject the promise that it did not return.
    if (this.#exited === undefined) return;
    await this.#pool.destroy().catch(() => {});
    await this.#exited;
  }

  /** Async, as `run` throws where this process may have no more threads, or has no descriptors left. */
  async #run(task: WorkerInit): Promise<void> {
    const installed = closingPortsOnThrow(() => this.#pool.run(task, { transferList: [task.port] }));
    const [worker] = this.#pool.threads;
    if (worker !== undefined) this.#observe(worker);
    await installed;
  }

  /** The pool does not tell of everything: not of an exit while it has no task. */
  #observe(worker: Worker): void {
    worker.once('error', (error) => this.#failed(error));
    this.#exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        if (!this.#isEnded) this.#exitCode = code;
        this.#onGone();
        resolve();
      });
    });
  }

  #failed(error: unknown): void {
    // What comes of ending it is not what it ended of.
    if (this.#isEnded) return;
    this.#error ??= error;
    this.#onGone();
  }
}

function createPool(filename: URL): Piscina {
  return new Piscina({
    filename: filename.href,
    // None before there is a task, and none in place of one that failed.
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Infinity,
    // The default parks the thread in Atomics.wait between tasks, and its timers with it.
    atomics: 'disabled',
    recordTiming: false,
    // The host's own `--import` hooks have no business in this thread, wherever they are given.
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
  });
}

/**
 * Piscina makes a pair of ports, then a thread. Where there can be no thread, nobody but the system knows the ports, and
 * open ports are never garbage-collected: 7 kB for each attempt.
 */
function closingPortsOnThrow<T>(run: () => T): T {
  const ports: MessagePort[] = [];
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'MESSAGEPORT') ports.push(resource as MessagePort);
    },
  }).enable();
  try {
    return run();
  } catch (error) {
    for (const port of ports) port.close();
    throw error;
  } finally {
    hook.disable();
  }
}

/** Whether a debugger may have stopped a thread of this process, which then looks like one that hangs. */
export function mayBeAtBreakpoint(): boolean {
  try {
    // Not imported: not every Node has it.
    return process.getBuiltinModule('node:inspector').url() !== undefined;
  } catch {
    return false;
  }
}
