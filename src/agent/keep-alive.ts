import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { KeepAliveError } from '../model/errors.js';
import type { KeepAliveEvents } from '../model/events.js';
import { createLog } from '../observability/log.js';
import type { ConnectingSockets } from '../sockets/discovery.js';
import { probeDelayMs } from '../sockets/keep-alive-probes.js';
import { SocketMatcher, type SocketSelection } from '../sockets/matcher.js';
import { socketBounds } from '../threads/budgets.js';
import { Reporter } from './report/reporter.js';
import { Run } from './run.js';
import { type KeepAliveOptions, resolveSettings, type Settings } from './settings.js';
import {
  type ConnectionStatus,
  connectionStatus,
  detectionBoundMs,
  hangBoundMs,
  type KeepAliveStatus,
  type StatusOptions,
  socketStatus,
} from './status.js';
import { type DatabaseRegistry, databases, isDatabaseRegistry } from './storage-registry.js';

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
      this.#reporter.thread.notStarted();
      return false;
    }
    this.#run = new Run({ settings, registry: this.#registry, reporter: this.#reporter });
    this.#run.start(this.#socketMatcher);
    this.#reporter.thread.started(settings);
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
    this.#run?.watchSockets(matcher);
    return {
      [Symbol.dispose]: () => {
        if (this.#socketMatcher !== matcher) return;
        this.#socketMatcher = undefined;
        this.#run?.unwatchSockets();
      },
    };
  }

  /**
   * Sockets that began to connect before it was started.
   *
   * @internal
   */
  noteEarlier(sockets: ConnectingSockets): void {
    this.#run?.noteEarlier(sockets);
  }

  /** Stops pinging at once, releases every lock, and resolves when the thread has ended. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (run !== undefined) {
      this.#run = undefined;
      this.#stopping = run.stop().then(() => this.#reporter.thread.stopped());
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
    return this.#run?.isWorkerUp === true;
  }

  /** How the agent and its connections are at this moment. */
  status(options?: StatusOptions): KeepAliveStatus {
    const [run, settings] = [this.#run, this.#settings];
    const sockets = run?.watchedSockets;
    const connections: ConnectionStatus[] = [];
    for (const tracked of run?.targets.values() ?? []) connections.push(connectionStatus(tracked, options));
    for (const socket of sockets ?? []) connections.push(socketStatus(socket));
    return {
      running: this.running,
      workerRunning: this.workerRunning,
      periodMs: settings?.periodMs,
      timeoutMs: settings?.timeoutMs,
      detectionBoundMs: run && settings && detectionBoundMs(settings),
      hangBoundMs: run && settings && hangBoundMs(settings, run.targets.values()),
      socketBounds: sockets && settings && socketBounds(probeDelayMs(settings.periodMs), settings.timeoutMs),
      connections,
    };
  }
}
