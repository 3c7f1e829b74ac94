// A host that may not start worker threads under Node's permission model, with an agent that tries to.
import { once } from 'node:events';
import { startThread, stopThread } from 'zeo-keepalive';

const agent = startThread(30);
if (agent === undefined) throw new Error('not started');
const hold = setInterval(() => {}, 60_000);
// More than once: the agent does not give up.
for (let losses = 0; losses < 2; losses++) {
  const [{ error }] = await once(agent, 'workerLost');
  console.log(error.code, (error.cause as NodeJS.ErrnoException).code);
}
await stopThread();
clearInterval(hold);
