// Reports what the agent does in a process that knows nothing of it: loaded by `--import`, before the agent's own hook.
import { subscribe } from 'node:diagnostics_channel';
import { isMainThread, type Worker } from 'node:worker_threads';
import type { KeepAlive, KeepAliveStatus } from 'zeo-keepalive';
import { started } from '#src/agent/started.js';
import type { ConnectionDiedEvent } from '#src/model/events.js';
import type { AppCommand, WitnessCommand, WitnessEvent } from './messages.js';
import { moment } from './moment.js';

const report = (event: WitnessEvent) => process.connected && process.send?.(event);

/** Its thread has just been made. */
function witness(agent: KeepAlive): void {
  report({ type: 'started', socketBounds: agent.status().socketBounds });
  agent.on('workerStarted', () => report({ type: 'threadStarted' }));
  subscribe('zeo-keepalive:connection-died', (message) => {
    const { address = '', silentMs, diagnosis, error } = message as ConnectionDiedEvent;
    report({ type: 'died', address, silentMs, diagnosis, message: error.message, ...moment() });
  });
}

function reportStatus({ connections, detectionBoundMs = 0, hangBoundMs = 0 }: KeepAliveStatus): void {
  const answered = connections.filter(({ roundTrips }) => roundTrips !== undefined).length;
  report({ type: 'status', connections: connections.length, answered, detectionBoundMs, hangBoundMs });
}

// The application's own worker threads load it, too.
if (isMainThread) {
  let thread: Worker | undefined;
  process.on('worker', (worker) => {
    if (thread === undefined) witness(started.agent as KeepAlive);
    thread = worker;
  });
  process.on('message', ({ type }: AppCommand | WitnessCommand) => {
    if (type === 'endThread') void thread?.terminate();
    if (type === 'look') reportStatus((started.agent as KeepAlive).status());
  });
}
