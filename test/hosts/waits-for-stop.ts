// A host whose last statement waits for the agent's end: nothing else holds the process then.
import { startThread, stopThread } from 'zeo-keepalive';

startThread(30);
await stopThread();
console.log('stopped');
