import { readFileSync } from 'node:fs';
import type { ServerKind } from '../support/servers.js';
import { sleep } from '../support/turning-clock.js';
import { type Loss, losses } from './detection.js';
import { guardListen } from './guard-listen.js';
import { GuardsProcess } from './guards-process.js';
import { PeersProcess } from './peers-process.js';
import { Replicas } from './replicas.js';
import type { Times } from './survival.js';

export interface Herd {
  /** Of the outcome: those that had the first server. */
  readonly count: number;
  readonly times: Times;
  readonly server: ServerKind;
  readonly loss: Exclude<Loss, 'flow dropped'>;
}

/** Clients that have all lost their server at once. Times from that moment, in milliseconds. */
export interface HerdOutcome extends Herd {
  readonly lostMs: readonly number[];
  /** When the next server greeted each. */
  readonly greetedMs: readonly number[];
  readonly servedMs: readonly number[];
  /** Attempts to connect that failed. */
  readonly turnedAway: number;
}

export const servedWithinMs = 10_000;

/** Many clients lose their server at once, and come back to the next one. */
export async function loseHerd(herd: Herd): Promise<HerdOutcome> {
  const { count, times, server, loss } = herd;
  await using replicas = await Replicas.start(server);
  const computer = replicas.cluster.client;
  const config = { listens: [guardListen], servers: Replicas.addresses, ...times };
  await using _guards = await GuardsProcess.start(computer, config);
  await using peers = await PeersProcess.start(computer, { count, reconnect: true });
  // The pings of so many spread over a period.
  await sleep((2 + Math.random()) * times.period * 1000);
  if (peers.all('lost').length > 0) throw new Error('Connections were lost before their server was');
  // One that registered too slowly for the timeout, on a busy machine, may have been given the second server.
  const present = establishedTo(Replicas.addresses[0], peers.pid);
  if (present < 0.9 * count) throw new Error(`Of ${count} clients only ${present} have the first server`);
  const atMs = losses[loss](replicas);
  const isServed = () => peers.all('served').length >= present;
  try {
    await peers.meets(isServed, 60_000);
    // Long enough for anything else that could happen to the new connections.
    await sleep((times.period + times.timeout + 1) * 1000);
  } finally {
    replicas.heal();
  }
  const since = (moment: number) => moment - atMs;
  return {
    ...herd,
    count: present,
    lostMs: peers.all('lost').map((event) => since(event.atMs)),
    greetedMs: peers.all('served').map((event) => since(event.greetedAtMs)),
    servedMs: peers.all('served').map((event) => since(event.atMs)),
    turnedAway: peers.all('turnedAway').length,
  };
}

/** How many connections to an IPv4 address there are in the network of a process. */
function establishedTo(address: string, pid: number): number {
  const [host = '', port] = address.split(':');
  const hex = (value: string | undefined, digits: number) =>
    Number(value).toString(16).toUpperCase().padStart(digits, '0');
  const bytes = host.split('.').map((byte) => hex(byte, 2));
  const remote = `${bytes.reverse().join('')}:${hex(port, 4)}`;
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'latin1').split('\n');
  const established = '01';
  return rows.filter((row) => {
    const [, , to, state] = row.trim().split(/\s+/);
    return to === remote && state === established;
  }).length;
}
