import { KeepAliveError } from '../model/errors.js';
import { createLog } from '../observability/log.js';
import { KeepAlive } from './keep-alive.js';
import { type KeepAliveOptions, pickOptions } from './settings.js';
import { started } from './started.js';
import { type DatabaseRegistry, databases } from './storage-registry.js';

/** What a host may hand over at its start-up. */
export interface HostContext extends KeepAliveOptions {
  /** The host's own registry of opened databases; by default `databases`. */
  readonly databases?: DatabaseRegistry | undefined;
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
  startEarly();
  const settings = period === undefined ? options : { ...options, period };
  return start(settings, options.databases ?? databases, process.env);
}

/** Stops the process's keep alive thread, if it runs. Resolves when it has ended. */
export async function stopThread(): Promise<void> {
  startEarly();
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

/**
 * Starts the agent that `--import` was asked for, unless that has been done. Errors are logged: the application's own code did not
 * ask for it.
 *
 * @internal
 */
export function startEarly(): void {
  const { early } = started;
  if (early === undefined) return;
  started.early = undefined;
  const sockets = early.take();
  if (sockets === undefined) return;
  try {
    const agent = start({}, databases, early.env);
    if (agent === undefined) return;
    agent.noteEarlier(sockets);
    early.onStarted(agent);
  } catch (error) {
    createLog({}).panic({ err: error }, 'Keep alive thread not started');
  }
}

function start(
  options: KeepAliveOptions,
  registry: DatabaseRegistry,
  env: NodeJS.ProcessEnv,
): KeepAlive | undefined {
  if (started.agent?.running) {
    throw new KeepAliveError('ERR_KEEPALIVE_ALREADY_STARTED', 'KeepAlive thread already started');
  }
  const agent = new KeepAlive(options, registry, env);
  if (!agent.start()) return undefined;
  started.agent = agent;
  return agent;
}
