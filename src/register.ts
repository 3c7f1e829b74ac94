/**
 * `ZEO_KEEPALIVE_PERIOD=30 node --import zeo-keepalive/register app.js` keeps the databases alive that the application
 * opens in the registry, without a change to its code.
 *
 * Whatever is wrong with the settings is logged, and the application runs without the agent: it did not ask for it.
 */
import { isMainThread } from 'node:worker_threads';
import { initialize } from './agent/thread.js';
import { createLog } from './observability/log.js';

// `--import` runs again in each worker thread of the application; its connections are the main thread's.
if (isMainThread) {
  try {
    initialize();
  } catch (error) {
    createLog({}).panic({ err: error }, 'Keep alive thread not started');
  }
}
