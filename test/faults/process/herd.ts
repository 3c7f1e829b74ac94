import { Relay } from '../../support/relay.js';
import { startServer } from '../../support/servers.js';
import { monotonicNow, sleep, takeWorstStallMs, until } from '../../support/turning-clock.js';
import type { Fault, FaultResult } from '../fault.js';
import { Host } from './host/host.js';
import { busiestSecond, histogram } from './seconds.js';

interface Herd {
  readonly count: number;
  readonly period: number;
  readonly timeout: number;
}

export const herd: Fault = {
  name: 'herd',
  about: 'All connections of a host go silent at the same moment, and are made again',
  layer: 'process',
  servers: ['embedded'],
  async run({ size, progress }) {
    const herds: readonly Herd[] =
      size === 'full'
        ? [
            { count: 1000, period: 1, timeout: 1 },
            { count: 1000, period: 10, timeout: 2 },
          ]
        : [{ count: 200, period: 1, timeout: 1 }];
    const results: FaultResult[] = [];
    for (const each of herds) {
      progress(`${each.count} storages, P ${each.period} s, T ${each.timeout} s`);
      results.push(await dropAll(each));
    }
    return results;
  },
};

async function dropAll({ count, period, timeout }: Herd): Promise<FaultResult> {
  await using server = await startServer('embedded');
  await using relay = await Relay.listen(server.address);
  const addresses = Array.from({ length: count }, () => relay.address);
  await using host = await Host.start({ addresses, period, timeout, reconnect: 'default' });
  await sleep(Math.random() * period * 1000);
  const acceptedBefore = relay.accepted;
  const before = { atMs: monotonicNow(), stalledMs: await host.stalledMs() };
  takeWorstStallMs();
  for (const connection of relay.connections) connection.silence();
  const boundMs = (period + 2 * timeout) * 1000;
  await until(() => host.losses.length >= count, Math.max(2 * boundMs, 30_000), 'found').catch(() => {});
  await until(() => host.connections.length >= count, 120_000, 'connected again').catch(() => {});
  // Long enough for anything else that could happen to the new connections.
  await sleep((period + timeout + 1) * 1000);

  const detectedAfterMs = host.losses
    .slice(0, count)
    .map(({ atMs, stalledMs }) => atMs - before.atMs - (stalledMs - before.stalledMs));
  const backAtMs = host.connections.map(({ atMs }) => atMs - before.atMs);
  const busiest = busiestSecond(backAtMs);
  const mostInASecond = count / 10;
  const lateMs = Math.max(takeWorstStallMs(), (await host.stalledMs()) - before.stalledMs);
  // Reconnects due while nothing ran all come at once afterwards.
  const isTooBusy = busiest > mostInASecond && busiest <= mostInASecond * (1 + lateMs / 1000);
  const attempts = relay.accepted - acceptedBefore;
  const broken = [
    ...(host.connections.length === count
      ? []
      : [`${host.connections.length} reconnects of ${count} storages`]),
    ...(attempts === count ? [] : [`${attempts} attempts to reconnect ${count} storages`]),
  ];
  // A thundering herd: more than a tenth in one second, unless there are only a few.
  const isHerd = count >= 100 && busiest > mostInASecond;
  return {
    variant: `${count} storages, P ${period} s, T ${timeout} s`,
    boundMs,
    detectedAfterMs,
    deathsExpected: count,
    falseDeaths: Math.max(0, host.losses.length - count),
    chances: count,
    callsLost: 0,
    notes: `reconnects in each second after the drop: ${histogram(backAtMs)}; ${busiest} in the busiest second`,
    broken,
    missed: isHerd ? [`${busiest} of ${count} reconnected in one second`] : [],
    ...(isTooBusy ? { tooBusy: `it was stalled for ${Math.round(lateMs)} ms` } : {}),
  };
}
