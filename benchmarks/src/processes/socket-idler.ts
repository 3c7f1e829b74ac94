/** A process with many idle sockets, watched or not, that measures what it costs to have them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../harness/child.js';
import { type CpuTime, startCpuClock } from '../harness/cpu.js';
import { measurePauses, type Pauses } from '../harness/pauses.js';
import { openSockets, SocketAgent } from '../subjects/watched-sockets.js';

const api = {
  /** Resolves when all sockets are watched, if they are to be. */
  async open(options: { readonly port: number; readonly count: number; readonly isWatched: boolean }) {
    const { port, count, isWatched } = options;
    if (!isWatched) return void (await openSockets(port, count));
    const agent = await SocketAgent.start();
    agent.watch();
    await openSockets(port, count);
    await agent.watched(count);
  },
  /** The CPU time of so many milliseconds. */
  async cpu({ ms }: { readonly ms: number }): Promise<CpuTime> {
    const cpu = startCpuClock();
    await sleep(ms);
    return cpu();
  },
  pauses: ({ ms }: { readonly ms: number }): Promise<Pauses> => measurePauses(ms),
};
export type SocketIdlerApi = typeof api;
serve(api);
