import { contain } from '../async/contain.js';
import type { ConnectingSockets } from '../sockets/discovery.js';
import type { SocketMatcher } from '../sockets/matcher.js';
import type { WatchedSocket } from '../sockets/socket-watcher.js';
import { Board } from '../threads/board.js';
import type { HostApi } from '../threads/contract.js';
import { SocketTable } from '../threads/socket-table.js';
import { ownWorkerFile } from '../threads/worker-file.js';
import { WorkerHost } from '../threads/worker-host.js';
import { watchEmptiness } from './empty-registry.js';
import type { TrackedTarget } from './ping/tracked-target.js';
import { Prober } from './prober.js';
import type { Reporter } from './report/reporter.js';
import { Roster } from './roster.js';
import type { Settings } from './settings.js';
import { SocketKeeper } from './socket-keeper.js';
import { answerReadings } from './status.js';
import type { DatabaseRegistry } from './storage-registry.js';
import { Sweeper } from './sweeper.js';

export interface RunOptions {
  readonly settings: Settings;
  readonly registry: DatabaseRegistry;
  readonly reporter: Reporter;
}

/**
 * What lives from a start of the agent to the next stop:
 *
 *  registry ──▶ roster ── slots of the board ──▶ worker
 *  worker ── sweep ──▶ sweeper ──▶ prober ──▶ target
 *  worker ── conclude ──▶ prober ──▶ reporter
 *
 * Rules:
 * - Another start makes all of it anew; nothing of it outlives the stop.
 * - A stop takes effect before it waits for the thread: every lock is released, and a call that still comes from the worker
 *   neither pings nor drops anything.
 */
export class Run {
  readonly #settings: Settings;
  readonly #reporter: Reporter;
  readonly #roster: Roster;
  readonly #prober: Prober;
  readonly #sweeper: Sweeper;
  readonly #worker: WorkerHost;
  readonly #sockets = new SocketTable();
  /** While sockets are watched. */
  #keeper: SocketKeeper | undefined;
  /** Calls off the warning that nothing is opened. */
  readonly #endWarning: () => void;
  /** From then on it does not answer those who ask for the states of its connections. */
  readonly #endReadings: () => void;
  #isWorkerUp = false;

  /** @throws KeepAliveError `ERR_KEEPALIVE_BUNDLED` */
  constructor({ settings, registry, reporter }: RunOptions) {
    // First, because it may throw.
    const filename = settings.worker ?? ownWorkerFile();
    const board = new Board();
    this.#settings = settings;
    this.#reporter = reporter;
    this.#roster = new Roster({
      registry,
      board,
      settings,
      onUnusable: (name, error) => reporter.unusable(name, error),
      onUnpingable: (name) => reporter.unpingable(name),
      onReleaseFailed: (tracked, error) => reporter.misbehaved(tracked, error),
      onRemoved: (tracked) => this.#prober.forget(tracked),
      onChanged: (ids) => this.#worker.targetsChanged(ids),
    });
    const { targets } = this.#roster;
    this.#prober = new Prober({ settings, board, reporter, targets });
    this.#sweeper = new Sweeper({
      settings,
      board,
      prober: this.#prober,
      targetCount: () => targets.size,
      onOverdue: () => this.#worker.suspect(),
      onPanic: (error) => reporter.thread.panicked(error),
    });
    const { periodMs, timeoutMs, jitter, concurrency } = settings;
    let restarts = 0;
    this.#worker = new WorkerHost({
      settings: { periodMs, timeoutMs, jitter, concurrency },
      board: board.buffer,
      sockets: this.#sockets.buffer,
      api: this.#hostApi(),
      filename,
      hasTargets: () => targets.size > 0,
      hasSockets: () => this.#sockets.reader.count > 0,
      onStarted: () => {
        this.#isWorkerUp = true;
        reporter.workerStarted(restarts);
      },
      onGone: () => {
        this.#isWorkerUp = false;
        // Nobody would end their hold on the locks.
        this.#sweeper.abandonAll();
      },
      onLost: (error, retryInMs) => {
        restarts += 1;
        // It may have asked for others until it was ended, and its successor must not take them for its own.
        this.#sweeper.abandonAll();
        reporter.workerLost(error, retryInMs);
      },
      onWaiting: (message) => reporter.warning(message),
    });
    this.#endWarning = watchEmptiness(registry, (afterMs) => {
      // Whoever watches sockets need not have databases.
      if (this.#keeper === undefined) reporter.thread.nothingOpened(afterMs);
    });
    this.#endReadings = answerReadings(targets);
  }

  /** By slot of the board. A live view. */
  get targets(): ReadonlyMap<number, TrackedTarget> {
    return this.#roster.targets;
  }

  /** Whether the worker thread is up. */
  get isWorkerUp(): boolean {
    return this.#isWorkerUp;
  }

  /** `undefined` while no sockets are watched. */
  get watchedSockets(): Iterable<WatchedSocket> | undefined {
    return this.#keeper?.watched();
  }

  /** @param matcher which sockets are watched; `undefined`: none */
  start(matcher: SocketMatcher | undefined): void {
    this.#roster.begin();
    if (matcher !== undefined) this.watchSockets(matcher);
    this.#worker.start();
  }

  watchSockets(matcher: SocketMatcher): void {
    if (process.platform !== 'linux') {
      this.#reporter.warning('Sockets are not watched: only Linux shows which connections are dead');
      return;
    }
    const options = {
      settings: this.#settings,
      matcher,
      table: this.#sockets,
      reporter: this.#reporter,
      onFirst: () => this.#worker.socketsChanged(),
    };
    // It may have to put a wrapper around a method of Node's, whose prototypes may be frozen.
    this.#keeper = contain(
      () => new SocketKeeper(options),
      (error) => this.#reporter.sockets.notWatched(error),
    );
  }

  unwatchSockets(): void {
    this.#keeper?.[Symbol.dispose]();
    this.#keeper = undefined;
  }

  /** Sockets that began to connect before it was started. */
  noteEarlier(sockets: ConnectingSockets): void {
    this.#keeper?.noteEarlier(sockets);
  }

  /** Resolves when the thread has ended. */
  async stop(): Promise<void> {
    this.#endWarning();
    this.#endReadings();
    this.#roster.end();
    this.unwatchSockets();
    this.#prober.close();
    this.#sweeper.abandonAll();
    await this.#worker.stop();
  }

  /** What the worker calls. */
  #hostApi(): HostApi {
    return {
      sweep: (ids) => {
        this.#worker.heard();
        // What a call throws, comlink catches; what is thrown here would be an uncaught exception of the host.
        contain(
          () => this.#sweeper.sweep(ids),
          (error) => this.#reporter.thread.panicked(error),
        );
      },
      pollTurn: async () => {
        this.#worker.heard();
        await pollTurn();
        this.#sweeper.noteTraffic();
      },
      conclude: (id, number, conclusion) => this.#prober.conclude(id, number, conclusion),
      stalled: (stall) => this.#reporter.stalled(stall),
      concludeSocket: (slot, sequence, death) => this.#keeper?.conclude(slot, sequence, death),
      tableFailed: (failure) => this.#reporter.sockets.tableFailed(failure),
      panicked: (error) => this.#reporter.thread.panicked(error),
    };
  }
}

/**
 * Resolves after one whole turn of the main loop that polled I/O. The first immediate may still belong to the turn that is
 * under way, whose poll lies behind it; from there to the second lies a whole poll.
 */
function pollTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
