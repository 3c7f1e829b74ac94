import { once } from 'node:events';
import { KeepAlive } from '../agent/keep-alive.js';
import { StorageRegistry } from '../agent/storage-registry.js';
import { KeepAliveError } from '../errors.js';
import { ClientStorage } from '../zeo/client-storage.js';
import { parseZeoUri } from '../zeo/uri.js';
import { answered, explain, isClosing, Narrator } from './narrator.js';

/** Unless `ZEO_KEEPALIVE_PERIOD` says otherwise. */
const defaultPeriod = 10;

/** Keeps the connections to these servers alive and prints what happens, until Ctrl-C. Resolves to the exit code. */
export async function watch(addresses: readonly string[]): Promise<number> {
  const narrator = new Narrator(Math.max(...addresses.map(({ length }) => length)));
  const databases = new StorageRegistry();
  const period = process.env.ZEO_KEEPALIVE_PERIOD ? undefined : defaultPeriod;
  // What concerns a storage is told by the events below; what concerns the agent itself only by its log.
  const tell = (fields: object, message: string) => {
    if (!('storage' in fields)) narrator.say('agent', message);
  };
  const logger = { debug: () => {}, info: () => {}, warn: tell, error: tell };
  await using agent = new KeepAlive({ period, logger }, databases);
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    for (const address of new Set(addresses)) databases.open(address, await open(address, narrator));
    agent.on('pingSucceeded', ({ name, roundTripMs }) => narrator.say(name, answered(roundTripMs)));
    agent.on('pingFailed', ({ name, error }) => narrator.say(name, `ping failed: ${explain(error)}`));
    agent.on('storageDown', ({ name }) => narrator.say(name, 'connection is down'));
    agent.on('storageDied', ({ name, error }) => narrator.say(name, `DEAD: ${explain(error)}`));
    if (!agent.start()) throw new Error('ZEO_KEEPALIVE_PERIOD is zero or negative: there is nothing to do');
    const { periodMs = 0, timeoutMs = 0 } = agent.status();
    narrator.say('agent', `pings every ${periodMs / 1000} s, waits ${timeoutMs / 1000} s for an answer`);
    await stopped;
    for (const { name, pings, failures } of agent.status().storages) {
      console.log(`${name}  ${pings} pings, ${failures} failed`);
    }
  } finally {
    await agent.stop();
    await Promise.all([...databases.opened.keys()].map((name) => databases.close(name)));
  }
  return 0;
}

/** Without waiting: one server that is down must not hide how the others are. */
async function open(address: string, narrator: Narrator): Promise<ClientStorage> {
  const target = address.includes('://') ? parseZeoUri(address) : { address };
  const storage = await ClientStorage.open({ ...target, wait: false });
  storage.on('connected', ({ address: server, protocol }) =>
    narrator.say(address, `connected to ${server}, ${protocol}`),
  );
  storage.on('disconnected', ({ error }) => {
    if (!isClosing(error) && !isVerdict(error)) narrator.say(address, `disconnected: ${explain(error)}`);
  });
  storage.on('reconnecting', ({ attempt, delayMs, error }) => {
    // Why the first attempt is made has just been said.
    const why = attempt === 1 ? 'trying again' : `${explain(error)}, trying again`;
    narrator.say(address, `${why} in ${(delayMs / 1000).toFixed(1)} s`);
  });
  storage.on('invalidated', ({ oids }) =>
    narrator.say(address, `${oids?.length ?? 'all'} object(s) changed`),
  );
  return storage;
}

/** The agent's own verdict is told by the agent. */
function isVerdict(error: Error): boolean {
  return error instanceof KeepAliveError && error.code === 'ERR_KEEPALIVE_TIMEOUT';
}
