import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { startServer } from '../../support/servers.js';
import { sleep, until } from '../../support/turning-clock.js';
import type { Fault } from '../fault.js';
import { Lab, resultOf } from '../lab/lab.js';

/** The promise of the supervision: a new worker after this time, and pings a period later. */
const replacedWithinMs = 1000;

export const workerKilled: Fault = {
  name: 'worker-killed',
  about: 'The worker thread is terminated in each phase of a sweep',
  layer: 'process',
  servers: ['embedded'],
  async run({ size, progress }) {
    const { phases, count } = size === 'full' ? { phases: 40, count: 10 } : { phases: 10, count: 3 };
    await using server = await startServer('embedded');
    const labs: KilledLab[] = [];
    try {
      // One after the other, to know which worker belongs to which agent; each agent loses its worker once.
      for (let i = 0; i < phases; i++) labs.push(await openLab(server.address, count));
      progress(`${phases} agents with ${count} storages each`);
      const broken = await Promise.all(labs.map((lab, i) => killInPhase(lab, i / phases)));
      const subjects = labs.flatMap(({ lab }) => lab.subjects);
      const boundMs = (labs[0] as KilledLab).lab.boundMs;
      const result = resultOf(`${phases} phases, P ${period} s, T ${timeout} s`, subjects, {
        boundMs,
        deaths: 1,
      });
      return [{ ...result, broken: [...(result.broken ?? []), ...broken.flat()] }];
    } finally {
      await Promise.all(labs.map(({ lab }) => lab[Symbol.asyncDispose]()));
    }
  },
};

const period = 1;
const timeout = 1;
/** So late that pings are under way for a good part of each period. */
const answersAfterMs = 300;

interface KilledLab {
  readonly lab: Lab;
  readonly worker: Worker;
}

async function openLab(server: string, count: number): Promise<KilledLab> {
  const workers: Worker[] = [];
  const onWorker = (worker: Worker) => workers.push(worker);
  process.on('worker', onWorker);
  try {
    const lab = await Lab.open({ server, count, period, timeout, agent: { jitter: 0 } });
    for (const { relay } of lab.subjects) {
      const connection = relay.current;
      if (connection !== undefined) connection.toClient.manner = { kind: 'delay', ms: answersAfterMs };
    }
    return { lab, worker: workers[0] as Worker };
  } finally {
    process.off('worker', onWorker);
  }
}

/** @param phase 0: at the moment of the first ping; then evenly over the period up to the next. */
async function killInPhase({ lab, worker }: KilledLab, phase: number): Promise<string[]> {
  const { agent, subjects, periodMs } = lab;
  const where = `killed ${Math.round(phase * periodMs)} ms after a ping:`;
  const broken: string[] = [];
  const expectSoon = async (what: string, withinMs: number, condition: () => boolean) => {
    await until(condition, withinMs, what).catch(() => broken.push(`${where} not ${what}`));
  };
  await once(agent, 'pingStarted');
  await sleep(phase * periodMs);
  let pings = 0;
  let started = false;
  agent.on('pingSucceeded', () => {
    pings += 1;
  });
  agent.once('workerStarted', () => {
    started = true;
  });
  const lost = once(agent, 'workerLost');
  await worker.terminate();
  await lost;
  const locked = subjects.filter(({ storage }) => storage.loadLock.locked);
  if (locked.length > 0) broken.push(`${where} ${locked.length} locks were still held`);
  // A worker that starts keeps a core busy for a moment, and dozens start at once here.
  await expectSoon('replaced', replacedWithinMs + 2000, () => started);
  await expectSoon('pinging again', periodMs + answersAfterMs + 2000, () => pings >= subjects.length);
  // The new worker still finds dead peers.
  for (const subject of subjects) subject.strike((connection) => connection.silence());
  await lab.lost();
  return broken;
}
