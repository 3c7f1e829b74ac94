// Reports what the agent does in a process that knows nothing of it: loaded by `--import`, after the agent's own hook.
import { subscribe } from 'node:diagnostics_channel';
import type { KeepAlive } from 'zeo-keepalive';
import { started } from '#src/agent/thread.js';
import type { ConnectionDiedEvent } from '#src/model/events.js';
import type { WitnessEvent } from './messages.js';
import { moment } from './moment.js';

const report = (event: WitnessEvent) => process.connected && process.send?.(event);

const bounds = (started.agent as KeepAlive | undefined)?.status().socketBounds;
if (bounds === undefined) throw new Error('No agent watches sockets in this process');
report({ type: 'bounds', ...bounds });

subscribe('zeo-keepalive:connection-died', (message) => {
  const { address = '', silentMs, diagnosis, error } = message as ConnectionDiedEvent;
  report({ type: 'died', address, silentMs, diagnosis, message: error.message, ...moment() });
});
