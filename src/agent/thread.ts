import { KeepAliveError } from '../model/errors.js';
import { KeepAlive } from './keep-alive.js';
import type { KeepAliveOptions } from './settings.js';
import { databases, type StorageRegistry } from './storage-registry.js';

/** What a host may hand over at its start-up. */
export interface HostContext extends KeepAliveOptions {
  /** The host's own registry of opened databases; by default `databases`. */
  readonly databases?: StorageRegistry | undefined;
}

let running: KeepAlive | undefined;

/**
 * Starts the process's keep alive thread.
 *
 * @param period Seconds between two pings of a storage; by default `ZEO_KEEPALIVE_PERIOD`.
 * @returns The agent, or `undefined` when the period is absent, zero or negative: then nothing is started.
 * @throws KeepAliveError `ERR_KEEPALIVE_ALREADY_STARTED`, `ERR_KEEPALIVE_INVALID_SETTING`
 *
 * @example
 * databases.open('main', await ClientStorage.open('zeo.example.org:8100'));
 * startThread(30);
 */
export function startThread(period?: number, options: HostContext = {}): KeepAlive | undefined {
  if (running?.status().running) {
    throw new KeepAliveError('ERR_KEEPALIVE_ALREADY_STARTED', 'KeepAlive thread already started');
  }
  const settings = period === undefined ? options : { ...options, period };
  const agent = new KeepAlive(settings, options.databases ?? databases);
  running = agent.start() ? agent : undefined;
  return running;
}

/** Stops the process's keep alive thread, if it runs. Resolves when it has ended. */
export async function stopThread(): Promise<void> {
  const agent = running;
  running = undefined;
  await agent?.stop();
}

/**
 * What a host calls at its start-up to have the thread spawned: it does so when `ZEO_KEEPALIVE_PERIOD`, or the context,
 * asks for it.
 *
 * @throws KeepAliveError as `startThread` does
 */
export function initialize(context: HostContext = {}): KeepAlive | undefined {
  // Only what concerns the agent: a host may hand over whatever it calls its context.
  const { period, timeout, concurrency, jitter, skipActive, level, logger, databases: registry } = context;
  return startThread(period, {
    timeout,
    concurrency,
    jitter,
    skipActive,
    level,
    logger,
    databases: registry,
  });
}
