/**
 * Holds the one worker thread, and replaces it when it ends, hangs, or cannot be started.
 *
 * | state | until | then |
 * | --- | --- | --- |
 * | `starting` | the thread is up | `running` |
 * | | it fails, or is not up in time | `retrying` |
 * | `running` | no sweep comes within a period and a little | `suspected` |
 * | | the thread ends | `retrying` |
 * | `suspected` | it answers, or a sweep comes | `running` |
 * | | it ends, or does not answer in time | `retrying` |
 * | `retrying` | the delay is over | `starting` |
 * | `stopped` | for good | |
 *
 * Rules:
 * - Each state but the last has a timer. What a thread tells of its end only makes things go faster.
 * - A hang shows in a sweep that does not come. Only a thread that does not answer then is ended: it may have been this
 *   thread that did not listen.
 * - The first replacement is quick, the next ones are ever slower, but none waits longer than a period (half a second at
 *   least, a minute at most): once the cause is gone, pings are begun within the period and a second.
 */
import { systemClock } from '../async/clock.js';
import { startDeadline } from '../async/deadline.js';
import { KeepAliveError } from '../model/errors.js';
import type { HostApi, LoopSettings } from './contract.js';
import { mayBeAtBreakpoint, WorkerThread } from './worker-thread.js';

export interface WorkerHostOptions {
  readonly settings: LoopSettings;
  readonly board: SharedArrayBuffer;
  /** The table of watched sockets. */
  readonly sockets: SharedArrayBuffer;
  /** What the loop may call. */
  readonly api: HostApi;
  /** Whether there is anything to ping; without, no sweep is expected. */
  readonly hasTargets: () => boolean;
  /** Whether there are sockets to watch; then the thread has to run, though it asks for nothing. */
  readonly hasSockets: () => boolean;
  readonly onStarted: () => void;
  /** The thread is gone, this moment: nobody watches over the pings that are out. */
  readonly onGone: () => void;
  /** Why it is gone: it ended, hung, or could not be started. Another one is started after `retryInMs`. */
  readonly onLost: (error: KeepAliveError, retryInMs: number) => void;
  /** Nothing is pinged, and the thread is not given up yet. */
  readonly onWaiting: (message: string) => void;
  /** The worker's entry. */
  readonly filename?: URL;
  readonly timing?: Partial<Timing>;
}

/** In milliseconds. */
export interface Timing {
  /** A port may close so long before the thread's error is told. */
  readonly causeMs: number;
  readonly firstRetryMs: number;
  /** Also with a shorter period the delay may grow to that: a thread costs more than a ping. */
  readonly shortestLastRetryMs: number;
  readonly longestRetryMs: number;
  /** How long a new thread may take to come up, on a machine that is busy. */
  readonly startMs: number;
  /** How late a sweep may be before the worker is asked whether it runs. */
  readonly latenessMs: number;
  /** How long it may take to answer. */
  readonly answerMs: number;
  /** A thread that was up for so long did not end of the same thing as the one before. */
  readonly healthyMs: number;
  /** How long `stop` waits for threads that do not exit. */
  readonly exitMs: number;
}

const defaultTiming: Timing = {
  causeMs: 50,
  firstRetryMs: 100,
  shortestLastRetryMs: 500,
  longestRetryMs: 60_000,
  startMs: 30_000,
  latenessMs: 500,
  answerMs: 1000,
  healthyMs: 60_000,
  exitMs: 5000,
};
/** So many times in a row a thread may answer without having asked for a sweep. */
const mostQuietRounds = 2;
/** So many threads may be on their way out: memory, if they never exit. */
const mostExiting = 3;
/** What the promise leaves beyond the period. */
const promisedMs = 1000;
const longestTimerMs = 2 ** 31 - 1;

type State = 'starting' | 'running' | 'suspected' | 'retrying' | 'stopped';

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #timing: Timing;
  readonly #lastRetryMs: number;
  #state: State = 'stopped';
  /** Ends the timer of the state. */
  #endTimer = () => {};
  /** The timer of `running`. */
  #watchdog: NodeJS.Timeout | undefined;
  #thread: WorkerThread | undefined;
  readonly #exiting = new Set<Promise<void>>();
  #attempts = 0;
  #failuresInARow = 0;
  #quietRounds = 0;
  /** When the present thread was asked for, and since when it has been up. */
  #startedMs = 0;
  #upMs: number | undefined;
  /** It is not ended although it is late, and the log says so. */
  #isLeftAlone = false;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    const lastMs = Math.max(options.settings.periodMs, this.#timing.shortestLastRetryMs);
    this.#lastRetryMs = Math.min(lastMs, this.#timing.longestRetryMs);
  }

  /** Returns before there is a thread: making one takes as long as thousands of pings. */
  start(): void {
    this.#startedMs = systemClock.now();
    this.#upMs = undefined;
    this.#isLeftAlone = false;
    this.#awaitStart();
    setImmediate(() => this.#install());
  }

  /** @param ids the slots of the board that were occupied or vacated */
  targetsChanged(ids: Uint32Array): void {
    // Nobody waits for the answer. A worker that is gone meanwhile learns it from the board when it is replaced.
    if (this.#isUp) this.#thread?.targetsChanged(ids);
  }

  /** There are sockets in the table, where there were none. */
  socketsChanged(): void {
    if (this.#isUp) this.#thread?.socketsChanged();
  }

  /** The worker does its work: it has asked for something. */
  heard(): void {
    this.#quietRounds = 0;
    this.#isLeftAlone = false;
    if (this.#state === 'running') this.#watchdog?.refresh();
    else if (this.#state === 'suspected') this.#awaitSweep();
  }

  /** Asks the worker whether it runs, and ends it when it does not answer. */
  suspect(): void {
    const thread = this.#thread;
    if (thread === undefined || this.#state !== 'running') return;
    this.#awaitAnswer();
    thread.alive().then(
      () => {
        if (this.#thread === thread && this.#state === 'suspected') this.#awaitSweep();
      },
      // A failed call is not an answer: the wait begun above decides.
      () => {},
    );
  }

  /** Resolves when the thread has exited, or does not within a few seconds. */
  async stop(): Promise<void> {
    this.#enter('stopped', () => {});
    this.#endThread();
    let hold: NodeJS.Timeout | undefined;
    // It also holds the process, which the thread does not, and perhaps nothing else does.
    const patience = new Promise((resolve) => {
      hold = setTimeout(resolve, this.#timing.exitMs);
    });
    await Promise.race([Promise.all(this.#exiting), patience]);
    clearTimeout(hold);
  }

  get #isUp(): boolean {
    return this.#state === 'running' || this.#state === 'suspected';
  }

  #enter(state: State, endTimer: () => void): void {
    this.#endTimer();
    this.#state = state;
    this.#endTimer = endTimer;
  }

  #awaitStart(): void {
    const { startMs } = this.#timing;
    const lateMs = Math.min(this.#options.settings.periodMs + promisedMs, longestTimerMs);
    const endDeadline = startDeadline(startMs, () => this.#expired('come up', startMs), false);
    const late = setTimeout(() => {
      if (this.#isLeftAlone) return;
      this.#options.onWaiting(`Keep alive thread has not come up in ${lateMs / 1000} s`);
    }, lateMs).unref();
    this.#enter('starting', () => {
      endDeadline();
      clearTimeout(late);
    });
  }

  #awaitSweep(): void {
    const withinMs = Math.min(this.#options.settings.periodMs + this.#timing.latenessMs, longestTimerMs);
    const watchdog = setTimeout(() => this.#heardNothing(), withinMs).unref();
    this.#watchdog = watchdog;
    this.#enter('running', () => clearTimeout(watchdog));
  }

  #awaitAnswer(): void {
    const { answerMs } = this.#timing;
    this.#enter(
      'suspected',
      startDeadline(answerMs, () => this.#expired('answer', answerMs), false),
    );
  }

  #install(): void {
    // It may have been stopped meanwhile.
    if (this.#state !== 'starting') return;
    if (this.#exiting.size >= mostExiting) {
      this.#lose(new Error(`${this.#exiting.size} threads that were ended have not exited yet`));
      return;
    }
    const { board, sockets, settings, api, filename } = this.#options;
    const replaces = this.#attempts > 0;
    this.#attempts += 1;
    try {
      const thread = new WorkerThread({
        filename: filename ?? new URL('../../workers/keep-alive.worker.js', import.meta.url),
        init: { board, sockets, settings, startedMs: this.#startedMs, replaces },
        api,
        onUp: () => this.#up(thread),
        onGone: () => {
          if (this.#thread === thread && (this.#isUp || this.#state === 'starting')) this.#lose();
        },
      });
      this.#thread = thread;
    } catch (error) {
      // As where a bundler has left neither this file's URL nor what piscina looks for.
      this.#lose(error);
    }
  }

  #up(thread: WorkerThread): void {
    if (this.#thread !== thread || this.#state !== 'starting') return;
    this.#upMs = systemClock.now();
    this.#quietRounds = 0;
    this.#awaitSweep();
    this.#options.onStarted();
  }

  #heardNothing(): void {
    const { hasTargets, hasSockets } = this.#options;
    if (!hasTargets()) {
      this.#quietRounds = 0;
      if (hasSockets()) this.suspect();
      else this.#watchdog?.refresh();
      return;
    }
    this.#quietRounds += 1;
    if (this.#quietRounds > mostQuietRounds) {
      this.#lose(new Error(`It answers, but has asked for no ping in ${this.#quietRounds} periods`));
    } else {
      this.suspect();
    }
  }

  #expired(what: string, withinMs: number): void {
    if (!mayBeAtBreakpoint()) {
      this.#lose(new Error(`It did not ${what} within ${withinMs / 1000} s`));
      return;
    }
    const isTold = this.#isLeftAlone;
    this.#isLeftAlone = true;
    if (this.#state === 'starting') this.#awaitStart();
    else this.#awaitAnswer();
    if (isTold) return;
    this.#options.onWaiting(
      `Keep alive thread does not ${what}, and is not replaced: the inspector is open, so it may be at a breakpoint`,
    );
  }

  /** @param reason unless the thread itself knows it */
  #lose(reason?: unknown): void {
    const upMs = this.#upMs === undefined ? 0 : systemClock.now() - this.#upMs;
    if (upMs > this.#timing.healthyMs) this.#failuresInARow = 0;
    this.#retryAfter(this.#timing.causeMs, () => this.#replace(reason));
    this.#options.onGone();
  }

  #replace(reason: unknown): void {
    const message =
      this.#upMs === undefined ? 'The keep alive thread could not be started' : 'The keep alive thread ended';
    const cause = reason ?? this.#thread?.cause;
    const error = new KeepAliveError('ERR_KEEPALIVE_WORKER_LOST', message, { cause, retryable: true });
    this.#endThread();
    const retryInMs = Math.min(this.#timing.firstRetryMs * 2 ** this.#failuresInARow, this.#lastRetryMs);
    this.#failuresInARow += 1;
    this.#retryAfter(retryInMs, () => this.start());
    this.#options.onLost(error, retryInMs);
  }

  #retryAfter(delayMs: number, next: () => void): void {
    const timer = setTimeout(next, delayMs).unref();
    this.#enter('retrying', () => clearTimeout(timer));
  }

  #endThread(): void {
    if (this.#thread === undefined) return;
    const exited = this.#thread.end();
    this.#thread = undefined;
    this.#exiting.add(exited);
    void exited.then(() => this.#exiting.delete(exited));
  }
}
