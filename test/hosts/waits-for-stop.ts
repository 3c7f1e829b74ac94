// A host whose last statement waits for the agent to stop: nothing else keeps the process alive then.
import { startThread, stopThread } from 'zeo-keepalive';

startThread(30);
await stopThread();
console.log('stopped');
