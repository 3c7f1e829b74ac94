// A host whose working directory does not exist when the agent's thread starts, and is replaced after two attempts.
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startThread, stopThread } from 'zeo-keepalive';

const folder = mkdtempSync(path.join(tmpdir(), 'gone-'));
process.chdir(folder);
rmdirSync(folder);
const agent = startThread(1);
if (agent === undefined) throw new Error('not started');
const hold = setInterval(() => {}, 60_000);
for (let losses = 0; losses < 2; losses++) {
  const [{ error }] = await once(agent, 'workerLost');
  console.log((error.cause as NodeJS.ErrnoException).code);
}
process.chdir(tmpdir());
await once(agent, 'workerStarted');
console.log(`running: ${agent.status().workerRunning}`);
await stopThread();
clearInterval(hold);
