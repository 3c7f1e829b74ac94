// An application that opens its databases in the registry and does not start the agent. It waits until the server commits,
// which the test makes it do when it has been pinged, and has a worker thread of its own.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { databases } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';

// Not with `eval`: `--import` does not run in such a worker.
const worker = new Worker(new URL('data:text/javascript,console.log("worker of the application")'));
await once(worker, 'exit');
const storage = databases.open('main', await ClientStorage.open({ address: process.argv[2] as string }));
await once(storage, 'invalidated');
await databases.close('main');
