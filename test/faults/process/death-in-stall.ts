import { monotonicNow, sleep, takeWorstStallMs, until } from '../../support/turning-clock.js';
import type { Fault, FaultResult } from '../fault.js';
import { Host } from './host/host.js';
import { latePeers, withLateness } from './late-peers.js';

const period = 1;
const timeout = 1;
const answersAfterMs = 100;
const boundMs = timeout * 1000 + 1000;
const ways = ['timer', 'I/O callback', 'SIGSTOP'] as const;

export const deathInStall: Fault = {
  name: 'death-in-stall',
  about: 'Half of the peers die while the host is stalled, and are found once it runs again',
  layer: 'process',
  servers: ['embedded'],
  async run({ size, progress }) {
    const { count, stalls, lengths } =
      size === 'full'
        ? { count: 100, stalls: 10, lengths: [1.5, 3, 10] }
        : { count: 30, stalls: 1, lengths: [2] };
    await using peers = await latePeers(ways.length * count, answersAfterMs);
    const results: FaultResult[] = [];
    for (const seconds of lengths) {
      takeWorstStallMs();
      const rows = await Promise.all(
        ways.map(async (way, i) => {
          const trial: Trial = { way, seconds, stalls, first: i * count, count };
          const result = await dieInStalls(trial, peers);
          progress(`${result.variant}: ${result.detectedAfterMs.length} found`);
          return result;
        }),
      );
      results.push(...withLateness(rows, answersAfterMs, timeout * 1000));
    }
    return results;
  },
};

interface Trial {
  readonly way: (typeof ways)[number];
  readonly seconds: number;
  readonly stalls: number;
  /** Index of the first of this trial's relays. */
  readonly first: number;
  readonly count: number;
}

async function dieInStalls(
  { way, seconds, stalls, first, count }: Trial,
  peers: Awaited<ReturnType<typeof latePeers>>,
): Promise<FaultResult> {
  const addresses = peers.addresses.slice(first, first + count);
  await using host = await Host.start({ addresses, period, timeout });
  const detectedAfterMs: number[] = [];
  let falseDeaths = 0;
  for (let n = 0; n < stalls; n++) {
    await sleep((0.7 + Math.random()) * 1000);
    const victims = new Set([...addresses.keys()].filter((index) => (index + n) % 2 === 0));
    host.losses.length = 0;
    host.connections.length = 0;
    const turning = stall(host, way, seconds * 1000);
    for (const index of victims) {
      // Not at the edges of the stall, where it might fall outside.
      const afterMs = 100 + Math.random() * (seconds * 1000 - 300);
      setTimeout(() => peers.connectionOf(first + index).silence(), afterMs);
    }
    const { untilMs, stalledMs } = await turning;
    const found = () => host.losses.filter(({ index }) => victims.has(index));
    await until(() => found().length === victims.size, Math.max(3 * boundMs, 30_000), 'found').catch(
      () => {},
    );
    await until(() => host.connections.length >= found().length, 10_000, 'connected again');
    for (const loss of found()) {
      detectedAfterMs.push(Math.max(0, loss.atMs - untilMs - (loss.stalledMs - stalledMs)));
    }
    falseDeaths += host.losses.length - found().length;
  }
  return {
    variant: `${seconds} s in ${way}, P ${period} s, T ${timeout} s`,
    boundMs,
    detectedAfterMs,
    deathsExpected: (stalls * count) / 2,
    falseDeaths,
    chances: (stalls * count) / 2,
    callsLost: 0,
  };
}

/** Resolves to when the loop ran again, and how long it had been stalled in all by then. */
async function stall(host: Host, way: Trial['way'], ms: number) {
  if (way !== 'SIGSTOP') return host.block(way, ms);
  host.signal('SIGSTOP');
  await sleep(ms);
  const untilMs = monotonicNow();
  host.signal('SIGCONT');
  return { untilMs, stalledMs: await host.stalledMs() };
}
