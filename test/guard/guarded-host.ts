// A guard, and a Python client behind it. Run by GuardedHost.
import { Guard } from '#src/guard/guard.js';
import { parseAddress } from '#src/zeo/connection/address.js';
import { openPythonClient, PythonError } from '../support/python/client.js';
import { monotonicNow } from '../support/turning-clock.js';
import type { GuardedCommand, GuardedConfig, GuardedEvent } from './guarded-host-process.js';

const { servers, version, period, timeout, tls } = JSON.parse(process.argv[2] as string) as GuardedConfig;
const report = (event: GuardedEvent) => process.connected && process.send?.(event);

const route = { listen: { host: '127.0.0.1', port: 0 }, servers: servers.map(parseAddress) };
const guard = new Guard(
  [route],
  { period, timeout, level: 'silent' },
  { tls: { passThrough: tls !== undefined } },
);
const [frontend] = guard.frontends;
frontend?.on('relayed', ({ address, socketPorts }) =>
  report({ type: 'relayed', server: address, port: socketPorts?.local ?? 0 }),
);
frontend?.on('serverUp', ({ name }) => report({ type: 'serverUp', server: name }));
guard.agent.on('pingSucceeded', () => report({ type: 'pinged' }));
guard.agent.on('connectionDied', ({ address = '', diagnosis }) =>
  report({ type: 'died', server: address, diagnosis, atMs: monotonicNow() }),
);
await guard.start();
const port = Number(frontend?.name.split(':')[1]);
const client = await openPythonClient(version, { address: ['127.0.0.1', port], ...(tls && { tls }) });

const end = async () => {
  await client.kill();
  process.exit();
};
process.on('disconnect', end);
// It may have been too early for that event.
if (!process.connected) await end();

process.on('message', async ({ oid }: GuardedCommand) => {
  try {
    await client.call('load', { oid });
    report({ type: 'loaded', error: undefined, atMs: monotonicNow() });
  } catch (error) {
    const type = error instanceof PythonError ? error.type : String(error);
    report({ type: 'loaded', error: type, atMs: monotonicNow() });
    await client.call('wait_connected');
    report({ type: 'connected' });
  }
});
report({ type: 'ready' });
