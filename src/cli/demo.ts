/**
 * The main job on a machine that has nothing but Node: three storages on two embedded servers are kept alive, one
 * connection goes silent without being closed, the agent notices within its bound, the storage reconnects, learns what it
 * missed, and is pinged on.
 */
import { once } from 'node:events';
import { KeepAlive } from '../agent/keep-alive.js';
import { StorageRegistry } from '../agent/storage-registry.js';
import { ZeoServer } from '../zeo/server/zeo-server.js';
import { ClientStorage } from '../zeo/storage/client-storage.js';
import { exitCode } from './io/exit-code.js';
import { explain, formatMs } from './io/format.js';

const period = 1;
const timeout = 1;
/** Whatever does not happen within this time will not happen. */
const patienceMs = 25_000;
const oid = new Uint8Array(8);

/** Runs the demonstration. Resolves to the exit code: 0 when everything came as promised. */
export async function demo(): Promise<number> {
  console.log('A demonstration on servers of its own (--help tells of the rest)\n');
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
      say(name, `learnt of ${oids?.length ?? 'all'} changed object(s)`),
    );
    databases.open(name, storage);
  }

  // The lines below tell the same, for people.
  await using agent = new KeepAlive({ period, timeout, level: 'silent' }, databases);
  const pings = new Map<string, number>();
  agent.on('pingSucceeded', ({ name, roundTripMs }) => {
    pings.set(name, (pings.get(name) ?? 0) + 1);
    const text =
      roundTripMs === undefined ? 'alive, other bytes came' : `ping answered in ${formatMs(roundTripMs)} ms`;
    say(name, text);
  });
  agent.on('connectionDied', ({ name, error }) => say(name, `DEAD: ${explain(error)}`));
  agent.on('stalled', ({ durationMs }) => say('this host', `stood still for ${durationMs} ms`));

  const failures: string[] = [];
  try {
    agent.start();
    const boundMs = agent.status().detectionBoundMs ?? 0;
    say('agent', `pings every ${period} s, a silence is detected within ${boundMs / 1000} s`);
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
  for (const failure of failures) console.log(`NOT AS PROMISED: ${failure}`);
  if (failures.length === 0) console.log('Everything came as promised.');
  return failures.length === 0 ? exitCode.done : exitCode.failed;
}

/** Makes one connection go silent, and sees that what is promised comes about. Rejects with what does not. */
async function cutOff(
  name: string,
  server: ZeoServer,
  agent: KeepAlive,
  databases: StorageRegistry,
  say: Say,
  boundMs: number,
): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  const of = async (event: 'pingSucceeded' | 'connectionDied') => {
    for (;;) {
      const [fact] = await once(agent, event, { signal }).catch(() => {
        throw new Error(`No ${event} of ${name} within ${patienceMs / 1000} s`);
      });
      if (fact.name === name) return;
    }
  };
  const storage = databases.opened.get(name) as ClientStorage;
  await of('pingSucceeded');
  await of('pingSucceeded');

  const [connection] = [...server.connections].filter(({ storageId }) => storageId === name);
  connection?.silence();
  const silentAt = performance.now();
  say(name, 'its connection goes silent, and nobody closes it');
  // What others commit meanwhile must not be missed.
  const tid = server.storage(name).commit([{ oid, data: Buffer.from('written in the silence') }]);

  await of('connectionDied');
  const detectedMs = performance.now() - silentAt;
  if (detectedMs > boundMs)
    throw new Error(`Detected only after ${detectedMs} ms, promised were ${boundMs} ms`);
  say(name, `detected ${(detectedMs / 1000).toFixed(2)} s after the silence began`);
  await of('pingSucceeded');
  const known = storage.lastTransaction();
  if (known === undefined || Buffer.compare(known, tid) < 0) {
    throw new Error(`${name} was not told of the transaction that was committed in the silence`);
  }
}

type Say = (who: string, what: string) => void;

/** Prints what happens, one line an event, with the seconds since it began. */
function narrator(): Say {
  const startedAt = performance.now();
  return (who, what) => {
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(`${seconds.toFixed(2).padStart(7)} s  ${who.padEnd(9)} ${what}`);
  };
}
