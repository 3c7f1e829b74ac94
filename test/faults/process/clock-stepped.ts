import { monotonicNow, sleep, until } from '../../support/turning-clock.js';
import type { Fault, FaultResult } from '../fault.js';
import { Host } from './host/host.js';
import { latePeers } from './late-peers.js';

const hourMs = 3_600_000;
const steps: Readonly<Record<string, number>> = {
  'an hour ahead': hourMs,
  'forty years back': -40 * 365 * 24 * hourMs,
  'two hours back': -2 * hourMs,
  'thirty years ahead': 30 * 365 * 24 * hourMs,
};

export const clockStepped: Fault = {
  name: 'clock-stepped',
  about: 'The wall clock is stepped: it causes no verdict, and dead peers are still found in time',
  layer: 'process',
  servers: ['embedded'],
  async run({ size, progress }) {
    const { period, timeout, count, stepped } =
      size === 'full'
        ? { period: 2, timeout: 2, count: 200, stepped: Object.entries(steps) }
        : { period: 0.5, timeout: 0.8, count: 20, stepped: Object.entries(steps).slice(0, 2) };
    const boundMs = (period + timeout + 1) * 1000;
    await using peers = await latePeers(count, 200);
    await using host = await Host.start({ addresses: peers.addresses, period, timeout });
    const results: FaultResult[] = [];
    for (const [variant, byMs] of stepped) {
      host.losses.length = 0;
      host.connections.length = 0;
      await host.stepClock(byMs);
      await sleep((2 * period + timeout) * 1000);
      const falseDeaths = host.losses.length;
      host.losses.length = 0;
      const before = { atMs: monotonicNow(), stalledMs: await host.stalledMs() };
      for (let index = 0; index < count; index++) peers.connectionOf(index).silence();
      await until(() => host.losses.length === count, 2 * boundMs, 'found').catch(() => {});
      const detectedAfterMs = host.losses.map(
        ({ atMs, stalledMs }) => atMs - before.atMs - (stalledMs - before.stalledMs),
      );
      await until(() => host.connections.length >= detectedAfterMs.length, 30_000, 'connected again');
      progress(`${variant}: ${falseDeaths} false deaths, ${detectedAfterMs.length} found`);
      results.push({
        variant: `${variant}, P ${period} s, T ${timeout} s`,
        boundMs,
        detectedAfterMs,
        deathsExpected: count,
        falseDeaths,
        chances: count,
        callsLost: 0,
      });
    }
    return results;
  },
};
