import { KeepAliveError } from '../model/errors.js';
import { KeepAlive } from './keep-alive.js';
import { processWide } from './process-wide.js';
import { type KeepAliveOptions, pickOptions } from './settings.js';
import { type DatabaseRegistry, databases } from './storage-registry.js';

/** What a host may hand over at its start-up. */
export interface HostContext extends KeepAliveOptions {
  /** The host's own registry of opened databases; by default `databases`. */
  readonly databases?: DatabaseRegistry | undefined;
}

/** The process's keep alive thread; another copy of this package may have started it. */
interface Started {
  agent: (Pick<KeepAlive, 'running' | 'stop'> & Partial<Pick<KeepAlive, 'watchSockets'>>) | undefined;
}

/** @internal */
export const started: Started = processWide('agent.1', isStarted, () => ({ agent: undefined }));

function isStarted(value: unknown): value is Started {
  return typeof value === 'object' && value !== null && 'agent' in value;
}

/**
 * Starts the process's keep alive thread.
 *
 * @param period Seconds between two pings of a storage; by default `ZEO_KEEPALIVE_PERIOD`.
 * @returns The agent, or `undefined` when the period is absent, zero or negative: then nothing is started.
 * @throws KeepAliveError `ERR_KEEPALIVE_ALREADY_STARTED`, `ERR_KEEPALIVE_INVALID_SETTING`, `ERR_KEEPALIVE_BUNDLED`
 *
 * @example
 * databases.open('main', await ClientStorage.open('zeo.example.org:8100'));
 * startThread(30);
 */
export function startThread(period?: number, options: HostContext = {}): KeepAlive | undefined {
  if (started.agent?.running) {
    throw new KeepAliveError('ERR_KEEPALIVE_ALREADY_STARTED', 'KeepAlive thread already started');
  }
  const settings = period === undefined ? options : { ...options, period };
  const agent = new KeepAlive(settings, options.databases ?? databases);
  if (!agent.start()) return undefined;
  started.agent = agent;
  return agent;
}

/** Stops the process's keep alive thread, if it runs. Resolves when it has ended. */
export async function stopThread(): Promise<void> {
  const { agent } = started;
  started.agent = undefined;
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
  return startThread(undefined, { ...pickOptions(context), databases: context.databases });
}
