// An application that calls the agent in its first lines, though `--import` is to start one: the first call is the argument.
// Prints the code of its error, and of that of a start after the agent was stopped.
import { startThread, stopThread } from 'zeo-keepalive';
import { watchSockets } from 'zeo-keepalive/sockets';

const code = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

const calls: Readonly<Record<string, () => unknown>> = {
  startThread: () => startThread(30),
  stopThread: () => stopThread(),
  watchSockets: () => watchSockets(),
};
const firstCall = await code(calls[process.argv[2] as string] as () => unknown);
await stopThread();
console.log(firstCall, await code(() => startThread(20)));
