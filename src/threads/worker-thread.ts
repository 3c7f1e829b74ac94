/**
 * One worker thread, from the attempt to start it until it has exited, in a piscina pool of its own. A pool cannot be used
 * again after a failure: if a thread fails before it is ready, the pool starts no others; if one fails later, the pool starts
 * the next by itself, and what that throws cannot be caught.
 *
 * Rules:
 * - Whatever goes wrong, `onGone` is called, in a later turn or microtask. The `cause` may be known only a moment later.
 * - Only the constructor throws. Its caller must call `end`, also for a thread that could not be started.
 */
import { createHook } from 'node:async_hooks';
import module from 'node:module';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { version } from '../model/version.js';
import type { HostApi, LoopApi, WorkerInit } from './contract.js';
import { connect, type Endpoint } from './endpoint.js';

export interface WorkerThreadOptions {
  /** The worker's entry. */
  readonly filename: URL;
  readonly init: Omit<WorkerInit, 'port' | 'version'>;
  /** What the loop may call. */
  readonly api: HostApi;
  /** Called when the loop is installed. */
  readonly onUp: () => void;
  /** Called when the thread has ended, closed its port, or could not be started; perhaps more than once, and after `end`. */
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
    this.#endpoint = connect<LoopApi>(port1, api, (ids) => api.sweep(ids));
    // The host may exit while the agent runs.
    port1.unref();
    void this.#endpoint.closed.then(onGone);
    this.#pool = createPool(filename);
    this.#pool.on('error', (error) => this.#failed(error));
    this.#pool.on('workerDestroy', () => queueMicrotask(onGone));
    const task: WorkerInit = { ...init, version, port: port2 };
    this.#run(task).then(onUp, (error) => this.#failed(error));
  }

  /** Why it is gone, as far as that is known. */
  get cause(): unknown {
    if (this.#error !== undefined) return this.#error;
    return new Error(
      this.#exitCode === undefined ? 'Thread closed its port' : `Thread exited with code ${this.#exitCode}`,
    );
  }

  socketsChanged(): void {
    this.#endpoint.remote.socketsChanged().catch(() => {});
  }

  targetsChanged(ids: Uint32Array): void {
    this.#endpoint.remote.targetsChanged(ids).catch(() => {});
  }

  /** Resolves when the thread answers; never if it does not. */
  async alive(): Promise<void> {
    await this.#endpoint.remote.alive();
  }

  /** Ends the thread. Resolves when it has exited: if it blocks in a system call, not before that returns. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#endpoint.close();
    // Without a thread `run` has thrown, and `destroy` would reject a promise that nobody has.
    if (this.#exited === undefined) return;
    await this.#pool.destroy().catch(() => {});
    await this.#exited;
  }

  /** Async, because piscina's `run` throws if this process has reached its limit of threads or descriptors. */
  async #run(task: WorkerInit): Promise<void> {
    const installed = closingPortsOnThrow(() => this.#pool.run(task, { transferList: [task.port] }));
    const [worker] = this.#pool.threads;
    if (worker !== undefined) this.#observe(worker);
    await installed;
  }

  /** The pool does not report everything: not an exit while it has no task. */
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
    // An error that results from ending the thread is not why it ended.
    if (this.#isEnded) return;
    this.#error ??= error;
    this.#onGone();
  }
}

/**
 * Piscina tries `require` before `import`. In Node 20 a thread that is terminated while it requires a module ends the whole
 * process (`FATAL ERROR: v8::Module::IsGraphAsync`), and one that imports it does not.
 */
const withoutRequireOfModules = process.allowedNodeEnvironmentFlags.has('--experimental-require-module')
  ? ['--no-experimental-require-module']
  : [];

function createPool(filename: URL): Piscina {
  // Not imported: a bundler would include it, without the file that its threads run. Webpack knows `createRequire`, too, but not
  // as a property.
  const piscina = module.createRequire(filename)('piscina') as typeof import('piscina');
  return new piscina.Piscina({
    filename: filename.href,
    // No thread before there is a task, and none in place of one that failed.
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Infinity,
    // The default blocks the thread in Atomics.wait between tasks, so that its timers would not fire.
    atomics: 'disabled',
    recordTiming: false,
    // The host's `--import` hooks must not run in this thread, whether they are set on the command line or in NODE_OPTIONS.
    execArgv: withoutRequireOfModules,
    env: { ...process.env, NODE_OPTIONS: '' },
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
  });
}

/**
 * Runs `run`, and closes the message ports that it created if it throws. Piscina creates a pair of ports, then the thread; if
 * the thread cannot be created, nothing refers to the ports, and open ports are never garbage-collected: 7 kB an attempt.
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
