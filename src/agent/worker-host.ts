import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { KeepAliveError } from '../errors.js';
import type { HostApi, Installation, LoopApi, LoopSettings } from '../rpc/contract.js';
import { connect, type Endpoint } from '../rpc/endpoint.js';

export interface WorkerHostOptions {
  readonly settings: LoopSettings;
  readonly board: SharedArrayBuffer;
  /** What the loop may call. */
  readonly api: HostApi;
  readonly onStarted: () => void;
  /** The thread ended by itself; another one is started after `retryInMs`. */
  readonly onLost: (error: unknown, retryInMs: number) => void;
}

const firstRetryMs = 100;
const lastRetryMs = 60_000;
/** A worker that lived so long did not die of the same thing as the one before. */
const healthyMs = 60_000;

/** Holds the one worker thread, and replaces it when it dies. */
export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #pool: Piscina;
  #endpoint: Endpoint<LoopApi> | undefined;
  #lastError: unknown;
  #startedAt = 0;
  #deaths = 0;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#pool = new Piscina({
      filename: new URL('../../workers/keep-alive.worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Infinity,
      // The default parks the thread in Atomics.wait between tasks, and its timers with it.
      atomics: 'disabled',
      recordTiming: false,
      // The host's own `--import` hooks have no business in this thread.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    });
    this.#pool.on('error', (error) => {
      this.#lastError = error;
    });
  }

  start(): void {
    this.#startedAt = performance.now();
    const { port1, port2 } = new MessageChannel();
    const endpoint = connect<LoopApi>(port1, this.#options.api);
    // The host may exit while the agent runs.
    port1.unref();
    this.#endpoint = endpoint;
    void endpoint.closed.then(() => this.#lost(endpoint));
    const task: Installation = {
      port: port2,
      board: this.#options.board,
      settings: this.#options.settings,
    };
    this.#pool.run(task, { transferList: [port2] }).then(
      () => {
        if (!this.#stopped) this.#options.onStarted();
      },
      (error) => {
        this.#lastError = error;
        endpoint.close();
      },
    );
  }

  storagesChanged(): void {
    // Nobody waits for the answer. A worker that is gone meanwhile learns it from the board when it is replaced.
    void this.#endpoint?.remote.storagesChanged();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    // The worker is unref'd, so waiting for its end would not hold a process that has nothing else to do.
    const hold = setInterval(() => {}, lastRetryMs);
    try {
      this.#endpoint?.close();
      await this.#pool.destroy();
    } finally {
      clearInterval(hold);
    }
  }

  #lost(endpoint: Endpoint<LoopApi>): void {
    if (this.#stopped || this.#endpoint !== endpoint) return;
    this.#endpoint = undefined;
    if (performance.now() - this.#startedAt > healthyMs) this.#deaths = 0;
    const retryInMs = Math.min(firstRetryMs * 2 ** this.#deaths, lastRetryMs);
    this.#deaths += 1;
    const error = new KeepAliveError('ERR_KEEPALIVE_WORKER_LOST', 'The keep alive thread ended by itself', {
      cause: this.#lastError,
      retryable: true,
    });
    this.#lastError = undefined;
    this.#retry = setTimeout(() => this.start(), retryInMs).unref();
    this.#options.onLost(error, retryInMs);
  }
}
