import { cut } from '../faults/kernel/networks/cut.js';
import type { ZeoVersion } from '../support/python/environments.js';
import { monotonicNow, sleep, until } from '../support/turning-clock.js';
import { type Load, LoadingClients } from './loading-clients.js';
import { Replicas } from './replicas.js';
import { openWay, type Way } from './ways.js';

export const period = 1;
export const timeout = 1;
/** After which a load that still hangs is given up. */
export const capMs = 15_000;

/** How the first server is lost, once the clients are connected to it. @returns the moment just before */
export const losses = {
  'path dropped': ({ cluster }) => cut(cluster.first, Replicas.addresses[0], 'both ways'),
  'server stopped': ({ first }) => {
    const atMs = monotonicNow();
    first.signal('SIGSTOP');
    return atMs;
  },
  'flow dropped': ({ cluster }) => {
    const ports = cluster.client.portsTo(Replicas.addresses[0]);
    const atMs = monotonicNow();
    cluster.first.dropFrom(ports);
    return atMs;
  },
} as const satisfies Readonly<Record<string, (replicas: Replicas) => number>>;

export type Loss = keyof typeof losses;
export const allLosses = Object.keys(losses) as Loss[];

/** A client whose load was under way when its server was lost. */
export interface Phase {
  readonly loss: Loss;
  readonly way: Way;
  readonly version: ZeoVersion;
  /** From the loss until the load failed; `undefined` if it did not before the cap. */
  readonly failedMs: number | undefined;
  /** The class of Python's exception. */
  readonly error: string | undefined;
  /** From the loss until a load was answered. */
  readonly answeredMs: number | undefined;
}

export interface Round {
  readonly loss: Loss;
  readonly way: Way;
  /** How many clients, each of which is a phase. */
  readonly count: number;
}

/** Loses the first server of some clients at a random moment, when all of them begin to load. */
export async function loseServer(
  replicas: Replicas,
  version: ZeoVersion,
  { loss, way, count }: Round,
): Promise<Phase[]> {
  const { cluster } = replicas;
  const computer = cluster.client;
  await using open = await openWay(way, { computer, servers: Replicas.addresses, count, period, timeout });
  const { addresses } = open;
  await using clients = await LoadingClients.open({ computer, version, addresses, spread: period });
  try {
    // A guard whose server has only just come back could have taken the second one.
    const connected = () => computer.portsTo(Replicas.addresses[0]).length;
    await until(
      () => connected() >= count,
      5000,
      () => `${count} connections, not ${connected()}`,
    );
    await sleep((1 + Math.random()) * period * 1000);
    const lostAtMs = losses[loss](replicas);
    const loads = await clients.load(capMs);
    return loads.map((load) => ({ loss, way, version, ...outcome(load, lostAtMs) }));
  } finally {
    replicas.heal();
  }
}

function outcome({ failedAtMs, error, answeredAtMs }: Load, lostAtMs: number) {
  const since = (atMs: number | undefined) => (atMs === undefined ? undefined : atMs - lostAtMs);
  return { error, failedMs: since(failedAtMs), answeredMs: since(answeredAtMs) };
}

/** Does each round, in turns, so that whatever else the machine does befalls all ways. */
export async function detect(
  version: ZeoVersion,
  rounds: readonly Round[],
  progress: (line: string, phases: readonly Phase[]) => void,
): Promise<Phase[]> {
  const phases: Phase[] = [];
  await using replicas = await Replicas.start(`zeo-${version}`);
  for (const [index, round] of rounds.entries()) {
    const outcome = await loseServer(replicas, version, round);
    phases.push(...outcome);
    progress(`round ${index + 1} of ${rounds.length}: ${round.way}, ${round.loss}`, outcome);
  }
  return phases;
}
