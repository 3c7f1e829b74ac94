// A host that has no file descriptor left when the agent's thread is to start, and has some again after two attempts.
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { startThread, stopThread } from 'zeo-keepalive';

const taken: number[] = [];
let code: string | undefined;
try {
  for (;;) taken.push(openSync(process.execPath, 'r'));
} catch (error) {
  ({ code } = error as NodeJS.ErrnoException);
}
const agent = startThread(1);
if (agent === undefined) throw new Error('not started');
const hold = setInterval(() => {}, 60_000);
for (let losses = 0; losses < 2; losses++) await once(agent, 'workerLost');
for (const descriptor of taken) closeSync(descriptor);
await once(agent, 'workerStarted');
console.log(`${code}, running: ${agent.status().workerRunning}`);
await stopThread();
clearInterval(hold);
