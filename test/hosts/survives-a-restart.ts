// A host that survives a restart of its server, then exits by itself. Run with `--import zeo-keepalive/register`.
import { once } from 'node:events';
import { databases } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

const storage = databases.open('main', await ClientStorage.open(process.argv[2] as string));
process.stdout.write('connected\n');
await once(storage, 'connected');
process.stdout.write('connected again\n');
await once(storage, 'invalidated');
await storage.close();
