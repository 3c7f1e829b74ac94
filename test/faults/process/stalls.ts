import { sleep, takeWorstStallMs } from '../../support/turning-clock.js';
import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { Host } from './host/host.js';
import { blockings } from './host/host-messages.js';
import { type NaiveKind, naiveKinds } from './host/naive-watchdog.js';
import { latePeers, withLateness } from './late-peers.js';

const answersAfterMs = 300;
/** How a host is stalled; with `SIGSTOP` the whole process is. */
const stalls = [...blockings, 'SIGSTOP'] as const;
type Stall = (typeof stalls)[number];

/** Each kind of stall has a host of its own, and all hosts are stalled at the same time. */
interface Scale {
  readonly period: number;
  readonly timeout: number;
  readonly connections: number;
  /** Naive watchdogs of each kind. */
  readonly naive: number;
  readonly stalls: number;
}

/** 10,000 stalls of a connection for each length, over all five kinds. Long ones use more connections instead of hours. */
const fullScale = (seconds: number): Scale =>
  seconds > 10
    ? // All peers live in one process: with a shorter period it is they who are late.
      { period: 5, timeout: 2, connections: 500, naive: 100, stalls: 4 }
    : { period: 1, timeout: 1, connections: 100, naive: 100, stalls: 20 };
const scaledScale = (seconds: number): Scale => ({
  period: 0.5,
  timeout: 0.9,
  connections: 25,
  naive: 25,
  stalls: seconds < 1 ? 3 : 1,
});
/** In the suite no stall is longer, and each length is tested with two of the kinds in turn. */
const longestScaledSeconds = 4;
const scaledWays = (index: number): readonly Stall[] =>
  [0, 1].map((i) => stalls[(2 * index + i) % stalls.length] as Stall);

/** One fault per length, so that each can be run separately: the long ones take minutes. */
export const stallFaults: readonly Fault[] = [0.1, 0.5, 1.5, 3, 6, 30].map((seconds, index) => ({
  name: `stall-${seconds}`,
  about: `The host is stalled for ${seconds} s again and again, while its peers are healthy and reply in 300 ms`,
  layer: 'process',
  servers: ['embedded'],
  run: (options) =>
    options.size === 'full'
      ? stallHosts(stalls, seconds, fullScale(seconds), options)
      : stallHosts(scaledWays(index), Math.min(seconds, longestScaledSeconds), scaledScale(seconds), options),
}));

async function stallHosts(
  ways: readonly Stall[],
  seconds: number,
  scale: Scale,
  { progress }: FaultOptions,
): Promise<FaultResult[]> {
  await using peers = await latePeers(ways.length * scale.connections, answersAfterMs);
  const { period, timeout, connections } = scale;
  const hosts: Host[] = [];
  try {
    await Promise.all(
      ways.map(async (_, i) => {
        const addresses = peers.addresses.slice(i * connections, (i + 1) * connections);
        const naive = { port: peers.echoPort, count: scale.naive };
        hosts[i] = await Host.start({ addresses, period, timeout, naive });
      }),
    );
    takeWorstStallMs();
    const results = await Promise.all(
      ways.map((stall, i) => stallHost(stall, seconds * 1000, scale, hosts[i] as Host, progress)),
    );
    return withLateness(results, answersAfterMs, timeout * 1000);
  } finally {
    await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
  }
}

async function stallHost(
  stall: Stall,
  lengthMs: number,
  scale: Scale,
  host: Host,
  progress: (line: string) => void,
): Promise<FaultResult> {
  const killed = Object.fromEntries(naiveKinds.map((kind) => [kind, 0])) as Record<NaiveKind, number>;
  const countKilled = async () => {
    for (const [kind, count] of Object.entries(await host.countKilled())) killed[kind as NaiveKind] += count;
  };
  const { period, timeout } = scale;
  for (let n = 1; n <= scale.stalls; n++) {
    // Long enough for every connection to have an answered ping again, and at a random phase of the pings.
    await sleep((0.7 + Math.random()) * period * 1000);
    await countKilled();
    if (stall === 'SIGSTOP') {
      host.signal('SIGSTOP');
      await sleep(lengthMs);
      host.signal('SIGCONT');
    } else {
      await host.block(stall, lengthMs);
    }
    if (n % 5 === 0) progress(`${stall}: ${n} of ${scale.stalls} stalls, ${host.losses.length} lost`);
  }
  // Long enough for a verdict after the last stall.
  await sleep((timeout + 1) * 1000);
  await countKilled();
  const chances = scale.connections * scale.stalls;
  const share = (kind: NaiveKind) => (100 * killed[kind]) / (scale.naive * scale.stalls);
  const shares = naiveKinds.map((kind) => `${kind} ${share(kind).toFixed(1)} %`);
  return {
    variant: `${lengthMs / 1000} s in ${stall}`,
    boundMs: undefined,
    detectedAfterMs: [],
    deathsExpected: 0,
    falseDeaths: host.losses.length,
    chances,
    callsLost: 0,
    notes: `naive watchdogs kill: ${shares.join(', ')}`,
    missed: host.losses.slice(0, 1).map(({ message }) => message),
  };
}
