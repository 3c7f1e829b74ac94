/**
 * Demonstrates the agent on a machine that has only Node.js: it keeps three storages on two embedded servers alive. One
 * connection goes silent without being closed, the agent notices within its bound, the storage reconnects, learns what it
 * missed, and is pinged again. Then, where a network can be made for it, it shows sockets and a real client.
 */
import { once } from 'node:events';
import { KeepAlive } from '../agent/keep-alive.js';
import { StorageRegistry } from '../agent/storage-registry.js';
import { ZeoServer } from '../zeo/server/zeo-server.js';
import { ClientStorage } from '../zeo/storage/client-storage.js';
import { exitCode } from './io/exit-code.js';
import { explain, formatMs } from './io/format.js';
import { narrator, type Say } from './narrator.js';
import { missingForSockets, showSockets } from './socket-demo.js';

const period = 1;
const timeout = 1;
/** An event that has not come within this time is not going to. */
const patienceMs = 25_000;
const oid = new Uint8Array(8);

/** Runs the demonstration. Resolves to the exit code: 0 if everything went as promised. */
export async function demo(): Promise<number> {
  console.log('A demonstration with servers of its own (--help lists the other commands)\n');
  const say = narrator();
  await using pickleServer = await ZeoServer.listen({ storages: ['main', 'sessions'] });
  await using msgpackServer = await ZeoServer.listen({ encoding: 'M5', storages: ['catalog'] });
  const databases = new StorageRegistry();
  const servers = { main: pickleServer, sessions: pickleServer, catalog: msgpackServer };
  for (const [name, server] of Object.entries(servers)) {
    say(name, `opening at ${server.address}`);
    const storage = await ClientStorage.open({ address: server.address, storage: name, waitTimeout: 5 });
    storage.on('connected', ({ generation }) => say(name, `connected again (connection ${generation})`));
    storage.on('invalidated', ({ oids }) =>
      say(name, `learned of ${oids?.length ?? 'all'} changed object(s)`),
    );
    databases.open(name, storage);
  }

  // The lines below take the place of the log.
  await using agent = new KeepAlive({ period, timeout, level: 'silent' }, databases);
  const pings = new Map<string, number>();
  agent.on('pingSucceeded', ({ name, roundTripMs }) => {
    pings.set(name, (pings.get(name) ?? 0) + 1);
    const text =
      roundTripMs === undefined
        ? 'alive: bytes other than the reply arrived'
        : `ping answered in ${formatMs(roundTripMs)} ms`;
    say(name, text);
  });
  agent.on('connectionDied', ({ name, error }) => say(name, `DEAD: ${explain(error)}`));
  agent.on('stalled', ({ durationMs }) => say('this host', `stalled for ${durationMs} ms`));

  const failures: string[] = [];
  try {
    agent.start();
    const boundMs = agent.status().detectionBoundMs ?? 0;
    say('agent', `pings every ${period} s; silence is detected within ${boundMs / 1000} s`);
    await cutOff('sessions', pickleServer, agent, databases, say, boundMs);
  } catch (error) {
    failures.push(explain(error));
  }
  const others = agent.status().connections.filter(({ name }) => name !== 'sessions');
  for (const { name, failures: count } of others)
    if (count > 0) failures.push(`${name} failed ${count} times`);

  await agent.stop();
  await Promise.all([...databases.opened.keys()].map((name) => databases.close(name)));
  console.log('\nstorage     pings answered');
  for (const [name, count] of pings) console.log(`${name.padEnd(11)} ${count}`);
  console.log('\nConnections of any client, as the kernel sees them\n');
  const missing = await missingForSockets();
  if (missing !== undefined) console.log(`Not shown here: ${missing}.`);
  else if (!(await showSockets())) failures.push('the connections did not behave as promised');
  console.log();
  for (const failure of failures) console.log(`NOT AS PROMISED: ${failure}`);
  if (failures.length === 0) console.log('Everything went as promised.');
  return failures.length === 0 ? exitCode.done : exitCode.failed;
}

/** Makes one connection go silent and waits for what the agent promises. Rejects if any of it does not happen. */
async function cutOff(
  name: string,
  server: ZeoServer,
  agent: KeepAlive,
  databases: StorageRegistry,
  say: Say,
  boundMs: number,
): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  const next = async (event: 'pingSucceeded' | 'connectionDied') => {
    for (;;) {
      const [details] = await once(agent, event, { signal }).catch(() => {
        throw new Error(`No ${event} event for ${name} within ${patienceMs / 1000} s`);
      });
      if (details.name === name) return;
    }
  };
  const storage = databases.opened.get(name) as ClientStorage;
  await next('pingSucceeded');
  await next('pingSucceeded');

  const [connection] = [...server.connections].filter(({ storageId }) => storageId === name);
  connection?.silence();
  const silencedMs = performance.now();
  say(name, 'its connection goes silent without being closed');
  // A transaction that another client commits meanwhile must not be missed.
  const tid = server.storage(name).commit([{ oid, data: Buffer.from('written during the silence') }]);

  await next('connectionDied');
  const detectedMs = performance.now() - silencedMs;
  if (detectedMs > boundMs)
    throw new Error(`Expected to detect the silence within ${boundMs} ms, but it took ${detectedMs} ms`);
  say(name, `detected ${(detectedMs / 1000).toFixed(2)} s after the silence began`);
  await next('pingSucceeded');
  const known = storage.lastTransaction();
  if (known === undefined || Buffer.compare(known, tid) < 0) {
    throw new Error(`${name} missed the transaction that was committed during the silence`);
  }
}
