import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { contain } from '../async/contain.js';
import { KeepAliveError } from '../model/errors.js';
import type { KeepAliveEvents } from '../model/events.js';
import { createLog } from '../observability/log.js';
import type { ConnectingSockets } from '../sockets/discovery.js';
import { probeDelayMs } from '../sockets/keep-alive-probes.js';
import { SocketMatcher, type SocketSelection } from '../sockets/matcher.js';
import { Board } from '../threads/board.js';
import { socketBounds } from '../threads/budgets.js';
import type { HostApi } from '../threads/contract.js';
import { SocketTable } from '../threads/socket-table.js';
import { ownWorkerFile } from '../threads/worker-file.js';
import { WorkerHost } from '../threads/worker-host.js';
import { watchEmptiness } from './empty-registry.js';
import { Prober } from './prober.js';
import { Reporter } from './report/reporter.js';
import { Roster } from './roster.js';
import { type KeepAliveOptions, resolveSettings, type Settings } from './settings.js';
import { SocketKeeper } from './socket-keeper.js';
import {
  answerReadings,
  type ConnectionStatus,
  connectionStatus,
  detectionBoundMs,
  hangBoundMs,
  type KeepAliveStatus,
  type StatusOptions,
  socketStatus,
} from './status.js';
import { type DatabaseRegistry, databases, isDatabaseRegistry } from './storage-registry.js';
import { Sweeper } from './sweeper.js';

/**
 * What lives from a start to the next stop.
 *
 * Rules:
 * - Another start makes all of it anew; nothing of it outlives the stop.
 * - A stop takes effect before it waits for the thread: every lock is released, and a call that still comes from the worker
 *   neither pings nor drops anything.
 */
interface Run {
  readonly roster: Roster;
  readonly prober: Prober;
  readonly sweeper: Sweeper;
  readonly worker: WorkerHost;
  readonly sockets: SocketTable;
  /** While sockets are watched. */
  keeper: SocketKeeper | undefined;
  /** Calls off the warning that nothing is opened. */
  readonly endWarning: () => void;
  /** From then on it does not answer those who ask for the states of its connections. */
  readonly endReadings: () => void;
}

/**
 * Keeps the connections of a registry alive from a worker thread.
 *
 * @example
 * const keepAlive = new KeepAlive({ period: 30 });
 * keepAlive.on('connectionDied', ({ name, error }) => alert(name, error));
 * keepAlive.start();
 */
export class KeepAlive extends EventEmitter<KeepAliveEvents> {
  readonly #settings: Settings | undefined;
  readonly #reporter: Reporter;
  readonly #registry: DatabaseRegistry;
  #run: Run | undefined;
  /** Which sockets are watched while it runs. */
  #socketMatcher: SocketMatcher | undefined;
  #stopping: Promise<void> | undefined;
  #workerRunning = false;

  /**
   * @param options Override the environment. See the settings table in the README.
   * @param registry The databases to keep alive; by default `databases`.
   * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING`
   */
  constructor(options: KeepAliveOptions = {}, registry: DatabaseRegistry = databases, env = process.env) {
    super();
    const { settings, level, warnings } = resolveSettings(options, env);
    // By its shape: its class may be that of another copy of this package.
    if (!isDatabaseRegistry(registry)) {
      throw new KeepAliveError(
        'ERR_KEEPALIVE_INVALID_SETTING',
        `The registry of databases is ${inspect(registry, { depth: 0, customInspect: false })}; ` +
          'expected a StorageRegistry, or an object with its `opened`, `on` and `off`',
      );
    }
    this.#settings = settings;
    this.#socketMatcher = settings?.sockets;
    this.#registry = registry;
    this.#reporter = new Reporter(createLog({ logger: options.logger, level }), this);
    for (const warning of warnings) this.#reporter.warning(warning);
  }

  /**
   * Starts the worker thread, and returns whether it did: without a positive period it does not. Returns before the
   * thread is up; the first pings go out a period later.
   *
   * @throws KeepAliveError `ERR_KEEPALIVE_ALREADY_STARTED`, `ERR_KEEPALIVE_BUNDLED`
   */
  start(): boolean {
    if (this.#run !== undefined) {
      throw new KeepAliveError('ERR_KEEPALIVE_ALREADY_STARTED', 'KeepAlive thread already started');
    }
    const settings = this.#settings;
    if (settings === undefined) {
      this.#reporter.notStarted();
      return false;
    }
    const run = this.#createRun(settings);
    this.#run = run;
    run.roster.begin();
    if (this.#socketMatcher !== undefined) this.#keepSockets(run, settings, this.#socketMatcher);
    run.worker.start();
    this.#reporter.started(settings);
    return true;
  }

  /**
   * Watches outgoing TCP connections of this thread that are made from now on, until what is returned is disposed, or the
   * agent has stopped for good. Before `start()`, from then on.
   *
   * @param selection by default all but those to loopback
   * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING` for what is not a pattern, `ERR_KEEPALIVE_ALREADY_STARTED` when
   * sockets are already watched, as by `ZEO_KEEPALIVE_SOCKETS`
   */
  watchSockets(selection: SocketSelection = {}): Disposable {
    const matcher = SocketMatcher.fromSelection(selection);
    if (this.#socketMatcher !== undefined) {
      throw new KeepAliveError('ERR_KEEPALIVE_ALREADY_STARTED', 'Sockets are already watched by this agent');
    }
    this.#socketMatcher = matcher;
    const run = this.#run;
    if (run !== undefined && this.#settings !== undefined) this.#keepSockets(run, this.#settings, matcher);
    return {
      [Symbol.dispose]: () => {
        if (this.#socketMatcher !== matcher) return;
        this.#socketMatcher = undefined;
        this.#run?.keeper?.[Symbol.dispose]();
        if (this.#run !== undefined) this.#run.keeper = undefined;
      },
    };
  }

  /**
   * Sockets that began to connect before it was started.
   *
   * @internal
   */
  noteEarlier(sockets: ConnectingSockets): void {
    this.#run?.keeper?.noteEarlier(sockets);
  }

  /** Stops pinging at once, releases every lock, and resolves when the thread has ended. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (run !== undefined) {
      this.#run = undefined;
      this.#workerRunning = false;
      run.endWarning();
      run.endReadings();
      run.roster.end();
      run.keeper?.[Symbol.dispose]();
      run.prober.close();
      run.sweeper.abandonAll();
      this.#stopping = run.worker.stop().then(() => this.#reporter.stopped());
    }
    // Also for a caller that stops it while it is being stopped.
    await this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Whether it was started, and not stopped. */
  get running(): boolean {
    return this.#run !== undefined;
  }

  /** Whether its worker thread is up; for moments it is not, after a start or when a lost one is being replaced. */
  get workerRunning(): boolean {
    return this.#workerRunning;
  }

  /** How the agent and its connections are at this moment. */
  status(options?: StatusOptions): KeepAliveStatus {
    const settings = this.#settings;
    const connections: ConnectionStatus[] = [];
    for (const tracked of this.#run?.roster.targets.values() ?? [])
      connections.push(connectionStatus(tracked, options));
    for (const socket of this.#run?.keeper?.watched() ?? []) connections.push(socketStatus(socket));
    return {
      running: this.running,
      workerRunning: this.workerRunning,
      periodMs: settings?.periodMs,
      timeoutMs: settings?.timeoutMs,
      detectionBoundMs: this.#run && settings && detectionBoundMs(settings),
      hangBoundMs: this.#run && settings && hangBoundMs(settings, this.#run.roster.targets.values()),
      socketBounds:
        this.#run?.keeper && settings && socketBounds(probeDelayMs(settings.periodMs), settings.timeoutMs),
      connections,
    };
  }

  /**
   * Wires up what lives until the next stop:
   *
   *  registry ──▶ roster ── slots of the board ──▶ worker
   *  worker ── sweep ──▶ sweeper ──▶ prober ──▶ target
   *  worker ── conclude ──▶ prober ──▶ reporter
   */
  #createRun(settings: Settings): Run {
    // First, because it may throw.
    const filename = settings.worker ?? ownWorkerFile();
    const board = new Board();
    const sockets = new SocketTable();
    const roster = new Roster({
      registry: this.#registry,
      board,
      settings,
      onUnusable: (name, error) => this.#reporter.unusable(name, error),
      onUnpingable: (name) => this.#reporter.unpingable(name),
      onReleaseFailed: (tracked, error) => this.#reporter.misbehaved(tracked, error),
      onRemoved: (tracked) => prober.forget(tracked),
      onChanged: (ids) => worker.targetsChanged(ids),
    });
    const { targets } = roster;
    const prober = new Prober({ settings, board, reporter: this.#reporter, targets });
    const sweeper = new Sweeper({
      settings,
      board,
      prober,
      targetCount: () => targets.size,
      onOverdue: () => worker.suspect(),
      onPanic: (error) => this.#reporter.panicked(error),
    });
    const api: HostApi = {
      sweep: (ids) => {
        worker.heard();
        // What a call throws, comlink catches; what is thrown here would be an uncaught exception of the host.
        contain(
          () => sweeper.sweep(ids),
          (error) => this.#reporter.panicked(error),
        );
      },
      pollTurn: async () => {
        worker.heard();
        await pollTurn();
        sweeper.noteTraffic();
      },
      conclude: (id, number, conclusion) => prober.conclude(id, number, conclusion),
      stalled: (stall) => this.#reporter.stalled(stall),
      concludeSocket: (slot, sequence, death) => run.keeper?.conclude(slot, sequence, death),
      tableFailed: (failure) => this.#reporter.sockets.tableFailed(failure),
      panicked: (error) => this.#reporter.panicked(error),
    };
    const { periodMs, timeoutMs, jitter, concurrency } = settings;
    let restarts = 0;
    const worker = new WorkerHost({
      settings: { periodMs, timeoutMs, jitter, concurrency },
      board: board.buffer,
      sockets: sockets.buffer,
      api,
      filename,
      hasTargets: () => targets.size > 0,
      hasSockets: () => sockets.reader.count > 0,
      onStarted: () => {
        this.#workerRunning = true;
        this.#reporter.workerStarted(restarts);
      },
      onGone: () => {
        this.#workerRunning = false;
        // Nobody would end their hold on the locks.
        sweeper.abandonAll();
      },
      onLost: (error, retryInMs) => {
        restarts += 1;
        // It may have asked for others until it was ended, and its successor must not take them for its own.
        sweeper.abandonAll();
        this.#reporter.workerLost(error, retryInMs);
      },
      onWaiting: (message) => this.#reporter.warning(message),
    });
    const endWarning = watchEmptiness(this.#registry, (afterMs) => {
      // Whoever watches sockets need not have databases.
      if (run.keeper === undefined) this.#reporter.nothingOpened(afterMs);
    });
    const endReadings = answerReadings(targets);
    const parts = { roster, prober, sweeper, worker, sockets };
    const run: Run = { ...parts, keeper: undefined, endWarning, endReadings };
    return run;
  }

  #keepSockets(run: Run, settings: Settings, matcher: SocketMatcher): void {
    if (process.platform !== 'linux') {
      this.#reporter.warning('Sockets are not watched: only Linux shows which connections are dead');
      return;
    }
    const options = {
      settings,
      matcher,
      table: run.sockets,
      reporter: this.#reporter,
      onFirst: () => run.worker.socketsChanged(),
    };
    // It may have to put a wrapper around a method of Node's, whose prototypes may be frozen.
    run.keeper = contain(
      () => new SocketKeeper(options),
      (error) => this.#reporter.sockets.notWatched(error),
    );
  }
}

/**
 * Resolves after one whole turn of the main loop that polled I/O. The first immediate may still belong to the turn that is
 * under way, whose poll lies behind it; from there to the second lies a whole poll.
 */
function pollTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
