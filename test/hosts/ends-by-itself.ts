// A host that does its work and ends, without a word to the agent. Its storage is closed; the agent is not stopped.
import { once } from 'node:events';
import { databases, startThread } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

const storage = databases.open('main', await ClientStorage.open({ address: process.argv[2] as string }));
const agent = startThread();
if (agent === undefined) throw new Error('not started');
await once(agent, 'pingSucceeded');
await storage.close();
