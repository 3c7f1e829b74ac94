import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { countsOf } from './counts.js';
import { FirewalledHosts } from './networks/firewalled-hosts.js';
import { missingForKernelFaults } from './networks/missing.js';
import { HostProcess } from './processes/host-process.js';
import { ServerProcess } from './processes/server-process.js';

/** Times in seconds. */
interface Round {
  readonly period: number;
  readonly timeout: number;
  /** How long a flow may be without packets before the firewall forgets it. */
  readonly forget: number;
  readonly count: number;
}

/** A period that is shorter than the firewall's memory, for `watch` seconds, and one that is longer. */
const sizes: Readonly<
  Record<FaultOptions['size'], { readonly short: Round; readonly watch: number; readonly long: Round }>
> = {
  scaled: {
    // Long, because a busy machine that delays the pings would itself make the firewall forget.
    short: { period: 0.4, timeout: 0.4, forget: 3, count: 20 },
    watch: 7,
    long: { period: 2, timeout: 0.5, forget: 1, count: 20 },
  },
  full: {
    short: { period: 10, timeout: 2, forget: 15, count: 100 },
    watch: 90,
    // Fewer than 100, because the reconnects of more are spread over seconds.
    long: { period: 10, timeout: 2, forget: 5, count: 60 },
  },
};

/** How long after the bound a death or a reconnect is still waited for. */
const patienceMs = 5000;

export const forgetfulFirewall: Fault = {
  name: 'kernel-forgetful-firewall',
  about: 'A firewall forgets a flow that was idle for too long, and drops its packets from then on',
  layer: 'kernel',
  servers: ['embedded', 'zeo-6.2'],
  missing: missingForKernelFaults,
  run: (options) => Promise.all([stayRemembered(options), getForgotten(options)]),
};

async function stayRemembered({ size, server: kind }: FaultOptions): Promise<FaultResult> {
  const { short: round, watch } = sizes[size];
  const { period, timeout, forget, count } = round;
  using rig = new FirewalledHosts(forget);
  await using _server = await ServerProcess.start(rig.server, { kind });
  const watched = Array.from({ length: count }, () => rig.address);
  await using host = await HostProcess.start(rig.client, { period, timeout, watched });
  await sleep(watch * 1000);
  const { sent } = await host.tally();
  const lost = host.all('disconnected').length;
  return {
    variant: `P = ${period} s, T = ${timeout} s, forgotten after ${forget} s`,
    boundMs: undefined,
    detectedAfterMs: [],
    deathsExpected: 0,
    falseDeaths: lost,
    chances: sent,
    callsLost: 0,
    notes: `${count} connections for ${watch} s: the pings keep the firewall's memory fresh`,
  };
}

async function getForgotten({ size, server: kind }: FaultOptions): Promise<FaultResult> {
  const { period, timeout, forget, count } = sizes[size].long;
  const boundMs = (period + timeout + 1) * 1000;
  using rig = new FirewalledHosts(forget);
  await using _server = await ServerProcess.start(rig.server, { kind });
  const watched = Array.from({ length: count }, () => rig.address);
  await using host = await HostProcess.start(rig.client, { period, timeout, watched });
  // A call on each connection, so that flows are forgotten one after the other, all before the first ping is due.
  const spread = (period - forget) / 2;
  const pauseMs = (spread * 1000) / count;
  for (let storage = 0; storage < count; storage++) {
    host.send({ type: 'load', storage });
    await sleep(pauseMs);
  }
  const died = () => host.all('died');
  // The first connection emits no event: it was made before there was a listener.
  const back = () => host.all('connected');
  const causes = () => host.all('cameBack').map(({ cause }) => cause);
  if (await host.meets(() => died().length >= count, boundMs + patienceMs)) {
    await host.until(
      'a new connection for each storage',
      () => back().length >= count && causes().length >= count,
      patienceMs,
    );
  }
  const detectedAfterMs = died().map(({ atMs, witnessed }) =>
    host.noticedAfterMs(witnessed.lastReceivedAtMs + forget * 1000, atMs),
  );
  const backAfterMs = back().map(({ storage, atMs }) => {
    const death = died().find((event) => event.storage === storage);
    return atMs - (death?.atMs ?? Number.NaN);
  });
  return {
    variant: `P = ${period} s, T = ${timeout} s, forgotten after ${forget} s`,
    boundMs,
    detectedAfterMs: detectedAfterMs.filter((ms) => ms >= 0),
    deathsExpected: count,
    falseDeaths: detectedAfterMs.filter((ms) => ms < 0).length,
    chances: count,
    callsLost: count - host.all('loaded').length,
    notes: `found to be: ${countsOf(causes())}; connected again after at most ${Math.max(0, ...backAfterMs).toFixed(0)} ms`,
  };
}
