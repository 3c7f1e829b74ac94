import { TwoHosts } from '../faults/kernel/networks/two-hosts.js';
import { ServerProcess } from '../faults/kernel/processes/server-process.js';
import { type Standstill, standStill } from '../socket-lab/standstill.js';
import { sleep } from '../support/turning-clock.js';
import { guardListen } from './guard-listen.js';
import { GuardsProcess } from './guards-process.js';
import { PeersProcess } from './peers-process.js';

/** Clients whose server is well, and what became of them. */
export interface Survival {
  readonly peers: number;
  /** Chances of a false reset: peers, times stalls if there were any. */
  readonly chances: number;
  /** Connections that were found dead. */
  readonly deaths: number;
  /** Connections that their clients lost, for whatever reason. */
  readonly lost: number;
  readonly calls: number;
  readonly failedCalls: number;
  /** All were found dead when their path was cut afterwards: they had been watched all the while. */
  readonly stillWatched: boolean;
}

/** Seconds. */
export interface Times {
  readonly period: number;
  readonly timeout: number;
}

export interface Stall {
  readonly by: Standstill;
  readonly ms: number;
}

interface Rig {
  readonly hosts: TwoHosts;
  readonly guards: GuardsProcess;
  readonly peers: PeersProcess;
  readonly times: Times;
}

/** A thing that is done to healthy connections. */
export type Ordeal = (rig: Rig) => Promise<{ readonly perPeer?: number }>;

/** The guard stands still, again and again. */
export const stand =
  (stalls: readonly Stall[], progress?: (line: string) => void): Ordeal =>
  async ({ guards, peers, times }) => {
    for (const [index, { by, ms }] of stalls.entries()) {
      await standStill(guards.pid, by, ms);
      // Time for a verdict that would be wrong.
      await sleep((times.timeout + 0.5) * 1000);
      const lost = peers.all('lost').length;
      progress?.(`stall ${index + 1} of ${stalls.length}, ${by}, ${(ms / 1000).toFixed(1)} s: ${lost} lost`);
    }
    return { perPeer: stalls.length };
  };

/** Packets between guard and server are lost with this probability, while each client makes a call every second. */
export const loseSome =
  (probability: number, seconds: number, progress?: (line: string) => void): Ordeal =>
  async ({ hosts, peers, times }) => {
    hosts.lose(probability);
    const report = setInterval(() => progress?.(`${peers.all('lost').length} lost so far`), 30_000);
    try {
      peers.send({ type: 'call', seconds });
      const isOver = () => peers.all('called').length > 0;
      await peers.until('the end of the calls', isOver, 2000 * seconds + 60_000);
      await sleep((times.period + times.timeout) * 1000);
    } finally {
      clearInterval(report);
      hosts.server.heal();
    }
    return {};
  };

/** Connects clients through a guard, has them go through it, and returns what was lost. */
export async function survive(count: number, times: Times, ordeal: Ordeal): Promise<Survival> {
  using hosts = new TwoHosts();
  const [address = ''] = hosts.addresses(1);
  await using _server = await ServerProcess.start(hosts.server, { kind: 'embedded' });
  const config = { listens: [guardListen], servers: [address], ...times };
  await using guards = await GuardsProcess.start(hosts.client, config);
  await using peers = await PeersProcess.start(hosts.client, { count });
  const { perPeer = 1 } = await ordeal({ hosts, guards, peers, times });
  const [called] = peers.all('called');
  const outcome = {
    peers: count,
    chances: count * perPeer,
    deaths: guards.all('died').length,
    lost: peers.all('lost').length,
    calls: (called?.answered ?? 0) + (called?.failed ?? 0),
    failedCalls: called?.failed ?? 0,
  };
  hosts.cut(address, 'both ways');
  const boundMs = (times.period + 2 * times.timeout) * 1000;
  const stillWatched = await peers.meets(() => peers.all('lost').length >= count, 2 * boundMs + 20_000);
  return { ...outcome, stillWatched };
}
