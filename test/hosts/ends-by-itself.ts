// A host that does its work and exits. It closes its storage, but does not stop the agent.
import { once } from 'node:events';
import { databases, startThread } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

const storage = databases.open('main', await ClientStorage.open({ address: process.argv[2] as string }));
const agent = startThread();
if (agent === undefined) throw new Error('not started');
await once(agent, 'pingSucceeded');
await storage.close();
