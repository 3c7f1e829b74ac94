import { once } from 'node:events';
import { KeepAlive } from '../agent/keep-alive.js';
import { StorageRegistry } from '../agent/storage-registry.js';
import { ClientStorage } from '../zeo/client-storage.js';
import { answered, explain, isClosing, Narrator } from './narrator.js';

/** Unless `ZEO_KEEPALIVE_PERIOD` says otherwise. */
const defaultPeriod = 10;

/** Keeps the connections to these servers alive and prints what happens, until Ctrl-C. Resolves to the exit code. */
export async function watch(addresses: readonly string[]): Promise<number> {
  const narrator = new Narrator();
  const databases = new StorageRegistry();
  for (const address of new Set(addresses)) {
    // Without waiting: one server that is down must not hide how the others are.
    const options = address.startsWith('zeo://')
      ? `${address}${address.includes('?') ? '&' : '?'}wait=0`
      : { address, wait: false };
    const storage = await ClientStorage.open(options);
    storage.on('connected', ({ address: server, protocol }) =>
      narrator.say(address, `connected to ${server}, ${protocol}`),
    );
    storage.on('disconnected', ({ error }) => {
      if (!isClosing(error)) narrator.say(address, `disconnected: ${explain(error)}`);
    });
    storage.on('reconnecting', ({ delayMs, error }) =>
      narrator.say(address, `${explain(error)}, trying again in ${(delayMs / 1000).toFixed(1)} s`),
    );
    storage.on('invalidated', ({ oids }) =>
      narrator.say(address, `${oids?.length ?? 'all'} object(s) changed`),
    );
    databases.open(address, storage);
  }
  const period = process.env.ZEO_KEEPALIVE_PERIOD === undefined ? defaultPeriod : undefined;
  await using agent = new KeepAlive({ period, level: 'silent' }, databases);
  agent.on('pingSucceeded', ({ name, roundTripMs }) => narrator.say(name, answered(roundTripMs)));
  agent.on('pingFailed', ({ name, error }) => narrator.say(name, `ping failed: ${explain(error)}`));
  agent.on('storageDied', ({ name, error }) => narrator.say(name, `DEAD: ${explain(error)}`));
  agent.on('storageDown', ({ name }) => narrator.say(name, 'connection is down'));
  agent.on('stalled', ({ durationMs }) => narrator.say('this host', `stood still for ${durationMs} ms`));
  agent.start();

  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const { storages } = agent.status();
  await agent.stop();
  await Promise.all([...databases.opened.keys()].map((name) => databases.close(name)));
  for (const { name, pings, failures } of storages)
    console.log(`${name}  ${pings} pings, ${failures} failed`);
  return 0;
}
