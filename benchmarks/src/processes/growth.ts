/** Opens, closes and drops many storages at once under a running agent, again and again, and reports the cost. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { KeepAlive, StorageRegistry } from '../../../dist/src/index.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { type CpuTime, startCpuClock } from '../harness/cpu.js';
import { openAll } from '../subjects/subject.js';

export interface GrowthOptions {
  readonly address: string;
  /** At once. */
  readonly count: number;
  /** In all: as many for each count, so that the code is equally warm. */
  readonly total: number;
}

/** For each storage, in microseconds of CPU of the whole process. */
export type GrowthCost = Record<'opening' | 'closing' | 'dropping' | 'closing bare sockets', number>;

const registry = new StorageRegistry();
// A period so long that hardly any storage is pinged.
const agent = new KeepAlive({ period: 36_000, timeout: 5, level: 'silent' }, registry, {});

const api = {
  async measure({ address, count, total }: GrowthOptions): Promise<GrowthCost> {
    if (!agent.running) {
      agent.start();
      await once(agent, 'workerStarted');
    }
    const open = () =>
      openAll(count, async (index) => registry.open(String(index), await ClientStorage.open({ address })));
    const close = () => Promise.all([...registry.opened.keys()].map((name) => registry.close(name)));
    const cost: GrowthCost = { opening: 0, closing: 0, dropping: 0, 'closing bare sockets': 0 };
    const spent = (step: keyof GrowthCost, { totalUs }: CpuTime) => {
      cost[step] += totalUs / total;
    };
    for (let opened = 0; opened < total; opened += count) {
      let cpu = startCpuClock();
      await open();
      spent('opening', cpu());
      cpu = startCpuClock();
      await close();
      spent('closing', cpu());
      const storages = await open();
      cpu = startCpuClock();
      // As verdicts on all of them would. None begins to reconnect in this turn of the main loop.
      for (const storage of storages) storage.drop(new Error('dropped'), storage.generation);
      spent('dropping', cpu());
      await close();
      const sockets = await openAll(count, () => openSocket(address));
      cpu = startCpuClock();
      await Promise.all(sockets.map((socket) => once(socket.destroy(), 'close')));
      spent('closing bare sockets', cpu());
    }
    return cost;
  },
};

async function openSocket(address: string): Promise<Socket> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  // With its greeting, as bytes that were not read would make closing it a reset.
  await once(socket, 'data');
  return socket;
}

export type GrowthApi = typeof api;
serve(api);
