import { sleep, takeWorstStandstillMs } from '../../support/turning-clock.js';
import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { Host } from './host/host.js';
import { blockings } from './host/host-messages.js';
import { type NaiveKind, naiveKinds } from './host/naive-watchdog.js';
import { latePeers } from './late-peers.js';

const answersAfterMs = 300;
/** In what a host stands still; `SIGSTOP`: the whole process does. */
const stalls = [...blockings, 'SIGSTOP'] as const;
type Stall = (typeof stalls)[number];

/** Each way to stand still has a host of its own, and all of them stand still side by side. */
interface Scale {
  readonly period: number;
  readonly timeout: number;
  readonly connections: number;
  /** Naive watchdogs of each kind. */
  readonly naive: number;
  readonly stalls: number;
}

/** With the five ways together 10,000 connection-stalls of each length. Long ones take more connections instead of hours. */
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
/** In the suite nothing takes longer, and a length has two of the ways, another one the next two. */
const longestScaledSeconds = 4;
const scaledWays = (index: number): readonly Stall[] =>
  [0, 1].map((i) => stalls[(2 * index + i) % stalls.length] as Stall);

/** One fault a length, so that each can be run by itself: the long ones take minutes. */
export const stallFaults: readonly Fault[] = [0.1, 0.5, 1.5, 3, 6, 30].map((seconds, index) => ({
  name: `stall-${seconds}`,
  about: `The host stands still for ${seconds} s again and again; its peers are well and answer in 300 ms`,
  layer: 'process',
  servers: ['embedded'],
  run: (options) =>
    options.size === 'full'
      ? standStill(stalls, seconds, fullScale(seconds), options)
      : standStill(scaledWays(index), Math.min(seconds, longestScaledSeconds), scaledScale(seconds), options),
}));

async function standStill(
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
    takeWorstStandstillMs();
    const results = await Promise.all(
      ways.map((stall, i) => standStillIn(stall, seconds * 1000, scale, hosts[i] as Host, progress)),
    );
    return withLateness(results, timeout * 1000);
  } finally {
    await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
  }
}

/** What was found while the peers themselves were late is not about the agent. */
function withLateness(results: readonly FaultResult[], timeoutMs: number): FaultResult[] {
  const lateMs = Math.round(takeWorstStandstillMs());
  const isTooBusy = answersAfterMs + 2 * lateMs > timeoutMs;
  return results.map(({ notes, ...result }) => ({
    ...result,
    notes: `${notes}; the peers were late by ${lateMs} ms at most`,
    ...(isTooBusy ? { tooBusy: 'its peers were late' } : {}),
  }));
}

async function standStillIn(
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
    // Long enough that every connection has an answered ping again, and at no fixed phase of the pings.
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
  // A verdict on the last stall would have fallen by then.
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
    ...(host.losses.length > 0 ? { broken: [host.losses[0]?.message as string] } : {}),
  };
}
