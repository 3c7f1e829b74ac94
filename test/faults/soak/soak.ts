import { startServer } from '../../support/servers.js';
import { sleep, until } from '../../support/turning-clock.js';
import type { Fault, FaultResult } from '../fault.js';
import { Lab, resultOf } from '../lab/lab.js';
import type { Subject } from '../lab/subject.js';
import { leaks, megabytes, takeFootprint } from './footprint.js';
import { deadly, harmless } from './mischief.js';

const period = 0.5;
const timeout = 0.6;
const timeoutMs = timeout * 1000;
const root = new Uint8Array(8);
const future = Buffer.from('7fffffffffffff00', 'hex');

export const soak: Fault = {
  name: 'soak',
  about: 'Random faults on every connection under constant calls, followed by a check for leaks',
  layer: 'process',
  servers: ['embedded', 'zeo-6.2'],
  async run({ size, server: kind, progress }) {
    const { seconds, count } = size === 'full' ? { seconds: 600, count: 20 } : { seconds: 5, count: 20 };
    await using server = await startServer(kind);
    const rejections: unknown[] = [];
    const onRejection = (error: unknown) => rejections.push(error);
    process.on('unhandledRejection', onRejection);
    try {
      // A small run first, so that one-time resources exist before they are measured.
      await soakFor(1, 5, server.address, () => {});
      const before = await takeFootprint();
      const result = await soakFor(seconds, count, server.address, progress);
      const after = await takeFootprint();
      const heap = `heap ${megabytes(before.heapBytes)} before, ${megabytes(after.heapBytes)} after`;
      const broken = [
        ...leaks(before, after),
        ...rejections.map((error) => `an unhandled rejection: ${error}`),
        ...(result.broken ?? []),
      ];
      return [{ ...result, notes: `${result.notes}; ${heap}`, ...(broken.length > 0 ? { broken } : {}) }];
    } finally {
      process.off('unhandledRejection', onRejection);
    }
  },
};

async function soakFor(
  seconds: number,
  count: number,
  server: string,
  progress: (line: string) => void,
): Promise<FaultResult> {
  const client = { connectTimeout: 1 };
  await using lab = await Lab.open({ server, count, period, timeout, client });
  // Each gives the deaths that it delays the timeout anew, beyond the bound.
  let longStalls = 0;
  lab.agent.on('stalled', ({ durationMs }) => {
    if (durationMs >= timeoutMs) longStalls += 1;
  });
  const listeners = listenerCount(lab);
  const endMs = performance.now() + seconds * 1000;
  const lasts = () => performance.now() < endMs;
  const harm = { deadly: 0, harmless: 0 };
  const report = setInterval(() => {
    const { made, succeeded, failed } = lab.calls;
    progress(`${harm.deadly} deadly faults, ${made} calls, ${succeeded} answered, ${failed} failed`);
  }, 30_000);
  await Promise.all(
    lab.subjects.flatMap((subject) => [
      harass(subject, lasts, harm),
      callAllTheTime(lab, subject, lasts),
      callAllTheTime(lab, subject, lasts),
    ]),
  );
  clearInterval(report);

  for (const { relay } of lab.subjects) relay.welcome = { kind: 'relayed' };
  await lab.lost();
  await lab.recovered();
  await lab.callsEnded();
  await until(() => lab.subjects.every(({ storage }) => !storage.loadLock.locked), 5000, 'locks free').catch(
    () => {},
  );
  const { made, failed } = lab.calls;
  const result = resultOf(
    `${seconds} s, ${count} storages, P ${period} s, T ${timeout} s`,
    lab.subjects,
    { boundMs: lab.boundMs, deaths: 0, by: 'any' },
    lab.calls,
  );
  const locked = lab.subjects.filter(({ storage }) => storage.loadLock.locked).length;
  const broken = [
    ...(result.broken ?? []),
    ...(locked > 0 ? [`${locked} load locks were never released`] : []),
    ...(listenerCount(lab) > listeners ? [`${listenerCount(lab)} listeners, up from ${listeners}`] : []),
  ];
  return {
    ...result,
    deathsExpected: harm.deadly,
    chances: harm.harmless,
    notes: `${made} calls, ${failed} of which failed with a retryable error; ${longStalls} stalls of T or longer`,
    broken,
  };
}

/** Applies one fault after the other to a subject's connections. */
async function harass(
  subject: Subject,
  lasts: () => boolean,
  harm: { deadly: number; harmless: number },
): Promise<void> {
  while (lasts()) {
    await sleep(Math.random() * 3000 * period);
    if (!subject.isBack || !lasts()) continue;
    if (Math.random() < 0.5) {
      harm.deadly += 1;
      subject.strike((connection) => anyOf(deadly)(connection, subject));
      continue;
    }
    const connection = subject.relay.current;
    if (connection === undefined) continue;
    harm.harmless += 1;
    anyOf(harmless(timeoutMs))(connection, subject);
    await sleep(2 * timeoutMs);
    connection.toClient.manner = { kind: 'pass' };
    connection.toServer.manner = { kind: 'pass' };
  }
}

async function callAllTheTime(lab: Lab, { storage }: Subject, lasts: () => boolean): Promise<void> {
  const calls = [
    () => storage.load(root),
    () => storage.loadBefore(root, future),
    () => storage.getInfo(),
    () => storage.fetchLastTransaction(),
    async () => {
      const release = await storage.loadLock.acquire();
      await sleep(Math.random() * 20);
      release();
    },
  ];
  while (lasts()) {
    await lab.calls.watch(anyOf(calls)());
    await sleep(Math.random() * 40);
  }
}

const listenerCount = ({ subjects, agent, registry }: Lab) =>
  [agent, registry, ...subjects.map(({ storage }) => storage)].reduce(
    (sum, emitter) =>
      sum + emitter.eventNames().reduce((own, name) => own + emitter.listenerCount(name as never), 0),
    0,
  );

const anyOf = <T>(choices: readonly T[]): T => choices[Math.floor(Math.random() * choices.length)] as T;
