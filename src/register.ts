/**
 * `ZEO_KEEPALIVE_PERIOD=30 node --import zeo-keepalive/register app.js` keeps the databases alive that the application
 * opens in the registry, without a change to its code.
 */
import { isMainThread } from 'node:worker_threads';
import { initialize } from './agent/thread.js';

// `--import` runs again in each worker thread of the application; its connections are the main thread's.
if (isMainThread) initialize();
