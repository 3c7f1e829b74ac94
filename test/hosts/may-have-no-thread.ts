// A host that Node's permission model lets have no worker threads, with an agent that tries to get one.
import { once } from 'node:events';
import { startThread, stopThread } from 'zeo-keepalive';

const agent = startThread(30);
if (agent === undefined) throw new Error('not started');
const hold = setInterval(() => {}, 60_000);
// More than once: it does not give up.
for (let losses = 0; losses < 2; losses++) {
  const [{ error }] = await once(agent, 'workerLost');
  console.log(error.code, (error.cause as NodeJS.ErrnoException).code);
}
await stopThread();
clearInterval(hold);
