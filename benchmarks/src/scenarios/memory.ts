import type { Figure } from '../figure.js';
import { Child } from '../harness/child.js';
import { interleave, summary } from '../harness/repetitions.js';
import { openServer } from '../harness/servers.js';
import type { MemoryApi } from '../processes/memory.js';
import type { Scenario } from '../scenario.js';

export const memory: Scenario = {
  name: 'memory',
  title: 'Memory and start',
  about:
    'Heap of the main thread after a collection, divided by the number of storages: bare sockets, as many `ClientStorage`s, and ' +
    'those with an agent that has pinged each of them several times. The memory of the whole process (RSS) with one storage, ' +
    'without the agent and with it, shows what the worker thread costs. The last rows are for a process that starts the agent ' +
    'for the first time: the time of the call, and until the thread runs.',
  async run({ quick, progress }) {
    const count = quick ? 500 : 10_000;
    const of = `heap a storage, ${count.toLocaleString('en-US')} storages`;
    const variants = [{ name: 'agent', measure: () => measure(count) }];
    const uses = (await interleave(variants, quick ? 1 : 3, progress)).get('agent') as MemoryUse[];
    const kib = (bytes: (use: MemoryUse) => number) => summary(uses.map((use) => bytes(use) / count / 1024));
    const sockets = { subject: 'bare sockets', value: kib(({ sockets }) => sockets).value };
    const storages = { subject: 'ClientStorage', value: kib(({ storages }) => storages).value };
    const starts = (
      await interleave([{ name: 'start', measure: measureStart }], quick ? 1 : 15, () => {})
    ).get('start') as Awaited<ReturnType<typeof measureStart>>[];
    const mib = (bytes: (start: (typeof starts)[number]) => number) =>
      summary(starts.map((start) => bytes(start) / 2 ** 20));
    const without = { subject: 'without agent', value: mib(({ rssBefore }) => rssBefore).value };
    return [
      { subject: 'bare sockets', of, ...kib(({ sockets }) => sockets), unit: 'KiB' },
      {
        subject: 'ClientStorage',
        of,
        ...kib(({ storages }) => storages),
        unit: 'KiB',
        baseline: sockets,
        target: { on: 'difference', atMost: 4 },
      },
      {
        subject: 'ClientStorage and agent',
        of,
        ...kib(({ agent }) => agent),
        unit: 'KiB',
        baseline: storages,
        target: { on: 'difference', atMost: 0.5 },
      },
      { ...without, of: 'RSS, 1 storage', range: mib(({ rssBefore }) => rssBefore).range, unit: 'MiB' },
      {
        subject: 'agent',
        of: 'RSS, 1 storage',
        ...mib(({ rssAfter }) => rssAfter),
        unit: 'MiB',
        baseline: without,
        target: { on: 'difference', atMost: 6 },
      },
      {
        subject: 'agent',
        of: 'startThread() returns',
        ...summary(starts.map(({ returnedMs }) => returnedMs)),
        unit: 'ms',
        target: { on: 'value', atMost: 5 },
      },
      {
        subject: 'agent',
        of: 'the worker thread runs',
        ...summary(starts.map(({ liveMs }) => liveMs)),
        unit: 'ms',
      },
      {
        subject: 'agent',
        of: 'first ping, beyond the period',
        ...summary(starts.map(({ firstPingMs }) => Math.max(0, firstPingMs))),
        unit: 'ms',
        target: { on: 'value', atMost: 50 },
      },
    ] satisfies Figure[];
  },
};

const module = new URL('../processes/memory.js', import.meta.url);
const flags = ['--expose-gc'];

/** Bytes of heap in excess of those of a process in which hardly anything is open. */
interface MemoryUse {
  readonly sockets: number;
  readonly storages: number;
  readonly agent: number;
}

async function measure(count: number): Promise<MemoryUse> {
  await using server = await openServer();
  const target = { address: server.address, count };
  await using bare = new Child<MemoryApi>(module, flags);
  const sockets = await bare.call('sockets', target);
  await using child = new Child<MemoryApi>(module, flags);
  return { sockets, ...(await child.call('storages', target)) };
}

async function measureStart() {
  await using server = await openServer();
  await using child = new Child<MemoryApi>(module, flags);
  return await child.call('start', { address: server.address, period: 1 });
}
