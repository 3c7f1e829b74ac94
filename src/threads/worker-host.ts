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
 * - Each state but `stopped` has a timer. Nothing depends on the events of an ending thread: they only save time.
 * - A hang shows as a missing sweep. The thread is only ended if it then does not answer either: it may have been the main
 *   thread that did not listen.
 * - The first replacement is quick and the following ones are increasingly delayed, but by no more than a period (at least
 *   half a second, at most a minute): once the cause is gone, pings begin within a period and a second.
 * - What it takes to create a thread is loaded then, and not before the process has started: with `--import` the application's
 *   own code comes first.
 */
import { systemClock } from '../async/clock.js';
import { startDeadline } from '../async/deadline.js';
import { KeepAliveError } from '../model/errors.js';
import { mayBeAtBreakpoint } from './breakpoint.js';
import type { HostApi, LoopSettings } from './contract.js';
import { checkDescriptors } from './worker-file.js';
import type { WorkerThread } from './worker-thread.js';
import { defaultTiming, type Timing } from './worker-timing.js';

export interface WorkerHostOptions {
  readonly settings: LoopSettings;
  readonly board: SharedArrayBuffer;
  /** The table of watched sockets. */
  readonly sockets: SharedArrayBuffer;
  /** What the loop may call. */
  readonly api: HostApi;
  /** Whether there is anything to ping; otherwise no sweep is expected. */
  readonly hasTargets: () => boolean;
  /** Whether there are sockets to watch; then the thread must be running, although it requests nothing. */
  readonly hasSockets: () => boolean;
  readonly onStarted: () => void;
  /** Called at once when the thread is gone: the pings that are out are not watched any more. */
  readonly onGone: () => void;
  /**
   * Called after `onGone`, with the reason: it ended, hung, or could not be started. Its port is closed, so it calls nothing any
   * more. Another starts after `retryInMs`.
   */
  readonly onLost: (error: KeepAliveError, retryInMs: number) => void;
  /** Called with a log message when nothing is pinged and the thread has not been given up yet. */
  readonly onWaiting: (message: string) => void;
  /** The worker's entry. */
  readonly filename: URL;
  readonly timing?: Partial<Timing>;
}

/** How many times in a row a thread may answer without having requested a sweep. */
const mostQuietRounds = 2;
/** How many ended threads may not have exited yet: they hold memory, perhaps forever. */
const mostExiting = 3;
/** How long the application has to start before a thread is created, from the start of the process, or of its worker thread. */
const leastUptimeMs = 250;
/** What the promised bound (period + timeout + 1 s) allows beyond period and timeout. */
const promisedMs = 1000;
const longestTimerMs = 2 ** 31 - 1;

type State = 'starting' | 'running' | 'suspected' | 'retrying' | 'stopped';

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #timing: Timing;
  readonly #lastRetryMs: number;
  #state: State = 'stopped';
  /** Cancels the timer of the current state. */
  #endTimer = () => {};
  /** The timer of the state `running`, refreshed by each sweep. */
  #watchdog: NodeJS.Timeout | undefined;
  #thread: WorkerThread | undefined;
  readonly #exiting = new Set<Promise<void>>();
  #attempts = 0;
  #failuresInARow = 0;
  /** Slots of the board that changed while no worker was up. */
  readonly #changedMeanwhile = new Set<number>();
  #quietRounds = 0;
  /** When the current thread was requested, and since when it has been up. */
  #startedMs = 0;
  #upMs: number | undefined;
  /** Whether the thread is late and is kept because it may be at a breakpoint, as has been logged. */
  #isLeftAlone = false;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    const lastMs = Math.max(options.settings.periodMs, this.#timing.shortestLastRetryMs);
    this.#lastRetryMs = Math.min(lastMs, this.#timing.longestRetryMs);
  }

  /** Returns before the thread is created, which takes as long as thousands of pings. */
  start(): void {
    this.#startedMs = systemClock.now();
    this.#upMs = undefined;
    this.#isLeftAlone = false;
    this.#awaitStart();
    const attempt = this.#attempts + 1;
    this.#attempts = attempt;
    const waitMs = Math.ceil(leastUptimeMs - performance.now());
    if (waitMs > 0) setTimeout(() => void this.#install(attempt), waitMs).unref();
    else setImmediate(() => void this.#install(attempt));
  }

  /** @param ids the slots of the board that were occupied or vacated */
  targetsChanged(ids: Uint32Array): void {
    // The reply is not awaited. If the worker is gone by then, its successor reads the change from the board.
    if (this.#isUp) this.#thread?.targetsChanged(ids);
    else for (const id of ids) this.#changedMeanwhile.add(id);
  }

  /** There are sockets in the table, which was empty before. */
  socketsChanged(): void {
    if (this.#isUp) this.#thread?.socketsChanged();
  }

  /** Called when the worker has requested something, and so is working. */
  heard(): void {
    this.#quietRounds = 0;
    this.#isLeftAlone = false;
    if (this.#state === 'running') this.#watchdog?.refresh();
    else if (this.#state === 'suspected') this.#awaitSweep();
  }

  /** Asks the worker whether it is running, and replaces it if it does not answer in time. */
  suspect(): void {
    const thread = this.#thread;
    if (thread === undefined || this.#state !== 'running') return;
    this.#awaitAnswer();
    thread.alive().then(
      () => {
        if (this.#thread === thread && this.#state === 'suspected') this.#awaitSweep();
      },
      // A failed call is not an answer: the timer started above decides.
      () => {},
    );
  }

  /** Ends the thread. Resolves when it has exited, or after a few seconds if it does not. */
  async stop(): Promise<void> {
    this.#enter('stopped', () => {});
    this.#endThread();
    let timer: NodeJS.Timeout | undefined;
    // Not unref'd: it keeps the process alive until the thread has exited, which nothing else may do.
    const timedOut = new Promise((resolve) => {
      timer = setTimeout(resolve, this.#timing.exitMs);
    });
    await Promise.race([Promise.all(this.#exiting), timedOut]);
    clearTimeout(timer);
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

  /** Whether an attempt to start a thread goes on; the agent may have been stopped, or the attempt given up. */
  #isCurrent(attempt: number): boolean {
    return this.#state === 'starting' && this.#attempts === attempt;
  }

  async #install(attempt: number): Promise<void> {
    if (!this.#isCurrent(attempt)) return;
    if (this.#exiting.size >= mostExiting) {
      this.#lose(new Error(`${this.#exiting.size} ended threads have not exited yet`));
      return;
    }
    const { board, sockets, settings, api, filename } = this.#options;
    try {
      checkDescriptors(filename);
      const { WorkerThread } = await import('./worker-thread.js');
      if (!this.#isCurrent(attempt)) return;
      const thread = new WorkerThread({
        filename,
        init: { board, sockets, settings, startedMs: this.#startedMs, replaces: attempt > 1 },
        api,
        onUp: () => this.#up(thread),
        onGone: () => {
          if (this.#thread === thread && (this.#isUp || this.#state === 'starting')) this.#lose();
        },
      });
      this.#thread = thread;
    } catch (error) {
      // For example because the package is being replaced on disk.
      if (this.#isCurrent(attempt)) this.#lose(error);
    }
  }

  #up(thread: WorkerThread): void {
    if (this.#thread !== thread || this.#state !== 'starting') return;
    this.#upMs = systemClock.now();
    this.#quietRounds = 0;
    this.#awaitSweep();
    // What changed while the thread came up was not announced to it, and it may have read the board before.
    if (this.#changedMeanwhile.size > 0) thread.targetsChanged(Uint32Array.from(this.#changedMeanwhile));
    this.#changedMeanwhile.clear();
    if (this.#options.hasSockets()) thread.socketsChanged();
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
      this.#lose(new Error(`Thread answers, but has requested no sweep in ${this.#quietRounds} periods`));
    } else {
      this.suspect();
    }
  }

  #expired(what: string, withinMs: number): void {
    if (!mayBeAtBreakpoint()) {
      this.#lose(new Error(`Thread did not ${what} within ${withinMs / 1000} s`));
      return;
    }
    const isLogged = this.#isLeftAlone;
    this.#isLeftAlone = true;
    if (this.#state === 'starting') this.#awaitStart();
    else this.#awaitAnswer();
    if (isLogged) return;
    this.#options.onWaiting(
      `Keep alive thread does not ${what}, and is not replaced: the inspector is open, so it may be at a breakpoint`,
    );
  }

  /** @param reason why the thread is lost; by default the thread's own `cause` */
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
