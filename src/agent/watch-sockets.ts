/**
 * `zeo-keepalive/sockets`: watches the outgoing TCP connections of a process, whatever speaks over them.
 *
 * @module sockets
 */
import { KeepAliveError } from '../model/errors.js';
import { anything, checkOptions } from '../model/option-check.js';
import { SocketMatcher, type SocketSelection } from '../sockets/matcher.js';
import type { KeepAlive } from './keep-alive.js';
import { readVariable, uncheckedOptions } from './settings.js';
import { started } from './started.js';
import { databases } from './storage-registry.js';
import { type HostContext, startEarly, startThread } from './thread.js';

export type { SocketSelection } from '../sockets/matcher.js';

/** Of a thread that is started to watch sockets, in seconds. */
const defaultPeriod = 10;

/** What `watchSockets` takes: which sockets to watch, and the settings of the thread if it is to start one. */
export interface WatchSocketsOptions extends SocketSelection, Omit<HostContext, 'sockets'> {}

const { sockets: _, ...agentOptions } = uncheckedOptions;
const optionTypes = { only: anything, except: anything, ...agentOptions, databases: anything };

/**
 * Watches outgoing TCP connections of this thread that are made from now on, and destroys those that are dead: their clients
 * see an ordinary lost connection. By the process's keep alive thread, if it runs; otherwise it is started, with a period of 10
 * seconds unless one is set.
 *
 * @param options Beside the selection, the settings of the thread; ignored if it runs already.
 * @returns What ends it, and the thread if it was started for this and no database is open.
 * @throws KeepAliveError as `startThread` and `KeepAlive#watchSockets` do
 *
 * @example
 * import { watchSockets } from 'zeo-keepalive/sockets';
 * watchSockets({ only: ['*.example.org:5432', '10.0.0.0/8'] });
 */
export function watchSockets({ only, except, ...options }: WatchSocketsOptions = {}): Disposable {
  // A mistyped selection would watch more than it should.
  checkOptions<WatchSocketsOptions>('ERR_KEEPALIVE_INVALID_SETTING', options, optionTypes);
  const selection: SocketSelection = { only, except };
  // What is not a pattern is an error before anything is started.
  SocketMatcher.fromSelection(selection);
  startEarly();
  const present = started.agent?.running ? started.agent : undefined;
  if (present === undefined) {
    const period =
      options.period ?? (readVariable('period', process.env) === undefined ? defaultPeriod : undefined);
    const agent = startThread(period, options);
    const watch = watchOrStop(agent, selection);
    const { opened } = options.databases ?? databases;
    return {
      [Symbol.dispose]: () => {
        watch?.[Symbol.dispose]();
        // Databases that were opened meanwhile are still to be kept alive.
        if (opened.size === 0) void agent?.stop();
      },
    };
  }
  if (present.watchSockets === undefined) {
    throw new KeepAliveError(
      'ERR_KEEPALIVE_ALREADY_STARTED',
      'The KeepAlive thread was started by another version of zeo-keepalive, which cannot watch sockets',
    );
  }
  return present.watchSockets(selection);
}

/** Sockets may be watched already, as by `ZEO_KEEPALIVE_SOCKETS`: then the agent that was started for these does not go on. */
function watchOrStop(agent: KeepAlive | undefined, selection: SocketSelection): Disposable | undefined {
  try {
    return agent?.watchSockets(selection);
  } catch (error) {
    void agent?.stop();
    throw error;
  }
}
