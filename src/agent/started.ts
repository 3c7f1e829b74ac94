import type { ConnectingSockets } from '../sockets/discovery.js';
import type { KeepAlive } from './keep-alive.js';
import { processWide } from './process-wide.js';

/** The process's keep alive thread, or what is to start it; another copy of this package may have put it here. */
export interface Started {
  agent: (Pick<KeepAlive, 'running' | 'stop'> & Partial<Pick<KeepAlive, 'watchSockets'>>) | undefined;
  early?: EarlyStart | undefined;
}

/** What `--import` has noted before the application's first line, for the copy that is called first. */
export interface EarlyStart {
  /** The settings, as they were then. */
  readonly env: NodeJS.ProcessEnv;
  /**
   * To be called by whoever is to start the agent. Returns the sockets that have begun to connect since; `undefined` in a worker
   * thread of the application, where it is not started.
   */
  readonly take: () => ConnectingSockets | undefined;
  readonly onStarted: (agent: KeepAlive) => void;
}

export const started: Started = processWide('agent.1', isStarted, () => ({ agent: undefined }));

function isStarted(value: unknown): value is Started {
  return typeof value === 'object' && value !== null && 'agent' in value;
}
