import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { Cluster } from './networks/cluster.js';
import { missingForKernelFaults } from './networks/missing.js';
import { HostProcess, type Loaded } from './processes/host-process.js';
import { ServerProcess } from './processes/server-process.js';
import { inRounds } from './rounds.js';

/** In seconds, but for the count. */
const sizes = {
  scaled: { period: 0.5, timeout: 0.5, count: 10, rounds: 1 },
  full: { period: 10, timeout: 2, count: 50, rounds: 5 },
} as const;

/** What the second server does with packets of connections that it does not have. */
const manners = ['is silent', 'resets'] as const;
type Manner = (typeof manners)[number];

const patienceMs = 5000;
/** From the cut of the first server to the takeover of its address by the second, in milliseconds. */
const takeoverMs = 200;
/** For this long the kernel accepts no other hardware address for a neighbour that it has just learned of. */
const neighbourLockMs = 1200;

/** What happened in 2005, and what the original product was written for. */
export const takeover: Fault = {
  name: 'kernel-takeover',
  about: 'The server is cut off from the network, and another one with newer data takes over its address',
  layer: 'kernel',
  servers: ['embedded', 'zeo-6.2'],
  missing: missingForKernelFaults,
  async run(options) {
    const results = await Promise.all(manners.map((manner) => runRounds(options, manner)));
    return results.flat();
  },
};

async function runRounds(options: FaultOptions, manner: Manner): Promise<FaultResult[]> {
  const { period, timeout, count, rounds } = sizes[options.size];
  const what = `the second server ${manner}`;
  const outcomes = await inRounds(options, rounds, what, () => runRound(options, manner));
  const common = {
    boundMs: (period + timeout + 1) * 1000,
    deathsExpected: count * rounds,
    falseDeaths: 0,
    chances: count * rounds,
    callsLost: outcomes.reduce((sum, { callsLost }) => sum + callsLost, 0),
    broken: outcomes.flatMap(({ broken }) => broken),
  };
  const variant = `${what}, P = ${period} s, T = ${timeout} s`;
  return [
    {
      ...common,
      variant: `${variant}: noticed`,
      detectedAfterMs: outcomes.flatMap(({ noticed }) => noticed),
    },
    {
      ...common,
      variant: `${variant}: reading fresh data`,
      detectedAfterMs: outcomes.flatMap(({ fresh }) => fresh),
      notes: `the second server had the address ${takeoverMs} ms after the first was cut off`,
    },
  ];
}

interface Outcome {
  readonly noticed: readonly number[];
  readonly fresh: readonly number[];
  readonly callsLost: number;
  readonly broken: readonly string[];
}

async function runRound({ size, server: kind }: FaultOptions, manner: Manner): Promise<Outcome> {
  const { period, timeout, count } = sizes[size];
  using cluster = new Cluster();
  if (manner === 'is silent') {
    cluster.second.filter(['-A INPUT -m conntrack --ctstate INVALID -j DROP']);
    cluster.second.sysctl('net.netfilter.nf_conntrack_tcp_loose=0');
  }
  const startedAt = Date.now();
  await using first = await ServerProcess.start(cluster.first, { kind, startedAt });
  await using second = await ServerProcess.start(cluster.second, {
    kind,
    startedAt,
    copyOf: first.directory,
  });
  const newest = await second.commit();

  const watched = Array.from({ length: count }, () => cluster.address);
  await using host = await HostProcess.start(cluster.client, { period, timeout, watched });
  await sleep(neighbourLockMs + Math.random() * period * 1000);
  const cutMs = cluster.cutFirst();
  await sleep(takeoverMs);
  cluster.takeOver();

  // Each storage reads as soon as it is connected again.
  const asked = new Set<number>();
  const askThoseThatAreBack = () => {
    for (const { storage } of host.all('connected')) {
      if (!asked.has(storage)) host.send({ type: 'load', storage });
      asked.add(storage);
    }
    return host.all('loaded').length >= count;
  };
  await host.meets(askThoseThatAreBack, (period + timeout) * 1000 + patienceMs);
  const loads = host.all('loaded');
  return {
    noticed: host.all('disconnected').map(({ atMs }) => host.noticedAfterMs(cutMs, atMs)),
    fresh: loads.map(({ atMs }) => host.noticedAfterMs(cutMs, atMs)),
    callsLost: asked.size - loads.length,
    broken: loads.flatMap((load) => wrongWith(load, newest)),
  };
}

/** Faults of a call after the reconnect, such as stale data. */
function wrongWith({ serial, invalidated, error }: Loaded, newest: string): string[] {
  if (error !== undefined) return [`a call on the second server failed with ${error.code}`];
  if (serial !== newest) return [`stale data: transaction ${serial} was read, ${newest} is the newest`];
  return invalidated ? [] : ['a storage was ready again without having invalidated what changed'];
}
