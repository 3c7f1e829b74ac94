// Prints which modules of undici Node has loaded after the agent's first ping.
import { once } from 'node:events';
import { databases, startThread, stopThread } from 'zeo-keepalive';

const storage = {
  ready: true,
  generation: 1,
  lock: { acquire: async () => () => {} },
  ping: async () => {},
  drop() {},
};
databases.open('main', storage);
const agent = startThread(0.1);
if (agent === undefined) throw new Error('not started');
const hold = setInterval(() => {}, 60_000);
await once(agent, 'pingSucceeded');
const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] };
console.log(moduleLoadList.filter((name) => name.includes('undici/undici')).join() || 'none');
await stopThread();
clearInterval(hold);
