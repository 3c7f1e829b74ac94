// An application that knows nothing of the agent, and has a worker thread for longer than the agent takes to be loaded.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

await once(new Worker(new URL('data:text/javascript,setTimeout(() => {}, 400)')), 'exit');
