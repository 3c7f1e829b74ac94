/**
 * Holds the one worker thread, and replaces it when it dies or hangs.
 *
 * Rules:
 * - A death shows in the port's `close` event, whatever the thread died of. Piscina then starts an empty thread, and the
 *   loop is installed in it anew.
 * - A hang shows in a sweep that does not come. Only a thread that does not answer then is ended: it may have been this
 *   thread that did not listen.
 * - The first replacement is quick; a thread that keeps dying is replaced ever more slowly.
 */
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { systemClock } from '../async/clock.js';
import { startDeadline } from '../async/deadline.js';
import { KeepAliveError } from '../model/errors.js';
import type { HostApi, Installation, LoopApi, LoopSettings } from './contract.js';
import { connect, type Endpoint } from './endpoint.js';

export interface WorkerHostOptions {
  readonly settings: LoopSettings;
  readonly board: SharedArrayBuffer;
  /** What the loop may call. */
  readonly api: HostApi;
  /** Whether there is anything to ping; without, no sweep is expected. */
  readonly hasWork: () => boolean;
  readonly onStarted: () => void;
  /** The thread is gone, this moment: nobody watches over the pings that are out. */
  readonly onGone: () => void;
  /** Why it is gone: it ended by itself, or hung and was ended. Another one is started after `retryInMs`. */
  readonly onLost: (error: KeepAliveError, retryInMs: number) => void;
  /** The worker's entry. */
  readonly filename?: URL;
}

/** A port may close before the thread's error is told. */
const causeComesWithinMs = 50;
const firstRetryMs = 100;
const lastRetryMs = 60_000;
/** A worker that lived so long did not die of the same thing as the one before. */
const healthyMs = 60_000;
/** How late a sweep may be before the worker is asked whether it runs. */
const latenessMs = 500;
/** How long it may take to answer. */
const answerMs = 1000;
/** How long a new thread may take to come up, on a machine that is busy. */
const installMs = 30_000;
const longestTimerMs = 2 ** 31 - 1;

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  #pool: Piscina | undefined;
  #endpoint: Endpoint<LoopApi> | undefined;
  #lastError: unknown;
  #startedMs = 0;
  #deaths = 0;
  #hasRun = false;
  #starting: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #endSuspicion: (() => void) | undefined;
  #stopped = false;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
  }

  /** Returns before there is a thread: making one takes as long as thousands of pings. */
  start(): void {
    this.#startedMs = systemClock.now();
    this.#starting = setImmediate(() => this.#install());
  }

  #install(): void {
    const { port1, port2 } = new MessageChannel();
    const endpoint = connect<LoopApi>(port1, this.#options.api);
    // The host may exit while the agent runs.
    port1.unref();
    this.#endpoint = endpoint;
    // A thread that never comes up is as good as one that does not answer.
    this.#endSuspicion = startDeadline(installMs, () => this.#terminate(endpoint), false);
    void endpoint.closed.then(() => this.#lost(endpoint));
    const task: Installation = {
      port: port2,
      board: this.#options.board,
      settings: this.#options.settings,
      startedMs: this.#startedMs,
      replaces: this.#hasRun,
    };
    try {
      this.#pool ??= this.#createPool();
    } catch (error) {
      // As where this process may have no more threads.
      this.#lastError = error;
      endpoint.close();
      return;
    }
    this.#pool.run(task, { transferList: [port2] }).then(
      () => {
        if (this.#stopped || this.#endpoint !== endpoint) return;
        this.#endSuspicion?.();
        this.#endSuspicion = undefined;
        this.#hasRun = true;
        this.#options.onStarted();
        this.#watch();
      },
      (error) => {
        this.#lastError = error;
        endpoint.close();
      },
    );
  }

  /** @param ids the slots of the board that were occupied or vacated */
  storagesChanged(ids: Uint32Array): void {
    // Nobody waits for the answer. A worker that is gone meanwhile learns it from the board when it is replaced.
    void this.#endpoint?.remote.storagesChanged(ids);
    this.heard();
  }

  /** The worker has shown that it runs. */
  heard(): void {
    this.#watchdog?.refresh();
  }

  /** Asks the worker whether it runs, and ends it when it does not answer. */
  suspect(): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined || this.#endSuspicion !== undefined) return;
    const end = startDeadline(answerMs, () => this.#terminate(endpoint), false);
    this.#endSuspicion = end;
    void endpoint.remote.alive().then(() => {
      if (this.#endpoint !== endpoint) return;
      end();
      this.#endSuspicion = undefined;
      this.heard();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearImmediate(this.#starting);
    clearTimeout(this.#retry);
    this.#forget();
    // The worker is unref'd, so waiting for its end would not hold a process that has nothing else to do.
    const hold = setInterval(() => {}, lastRetryMs);
    try {
      this.#endpoint?.close();
      // It is of no more use; and no call may go to it any more.
      this.#endpoint = undefined;
      await this.#pool?.destroy();
    } finally {
      clearInterval(hold);
    }
  }

  #createPool(): Piscina {
    const filename = this.#options.filename ?? new URL('../../workers/keep-alive.worker.js', import.meta.url);
    const pool = new Piscina({
      filename: filename.href,
      minThreads: 1,
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
    pool.on('error', (error) => {
      this.#lastError = error;
    });
    return pool;
  }

  /** Expects a sweep within each period. */
  #watch(): void {
    const withinMs = Math.min(this.#options.settings.periodMs + latenessMs, longestTimerMs);
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      if (this.#options.hasWork()) this.suspect();
    }, withinMs).unref();
  }

  #terminate(endpoint: Endpoint<LoopApi>): void {
    if (this.#endpoint !== endpoint) return;
    this.#lastError = new Error('It did not answer in time');
    // Its end closes the port.
    for (const thread of this.#pool?.threads ?? []) void thread.terminate();
  }

  #forget(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = undefined;
    this.#endSuspicion?.();
    this.#endSuspicion = undefined;
  }

  #lost(endpoint: Endpoint<LoopApi>): void {
    if (this.#stopped || this.#endpoint !== endpoint) return;
    this.#endpoint = undefined;
    this.#forget();
    this.#options.onGone();
    this.#retry = setTimeout(() => this.#replace(), causeComesWithinMs).unref();
  }

  #replace(): void {
    if (systemClock.now() - this.#startedMs > healthyMs) this.#deaths = 0;
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
