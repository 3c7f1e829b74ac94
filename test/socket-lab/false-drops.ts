import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientName } from './clients/all.js';
import type { Setup } from './clients/client.js';
import { ControlGroup } from './control-group.js';
import { connectAll } from './silent-drop.js';
import { type App, period, type SocketLab, type Times, timeout } from './socket-lab.js';
import { type Standstill, standStill } from './standstill.js';

/** What did not happen to connections that are well. */
export interface FalseDrops {
  readonly sockets: number;
  /** Chances of a false death: sockets, times stalls if there were any. */
  readonly chances: number;
  /** By the agent. */
  readonly dropped: number;
  /** What it said of the first of these. */
  readonly verdicts: readonly string[];
  /** Connections that their clients lost, whoever ended them. */
  readonly lost: number;
  readonly calls: number;
  readonly failedCalls: number;
  /** A connection that was cut off afterwards was found dead: the agent has watched all the while. */
  readonly stillWatches: boolean;
}

export interface Stall {
  readonly by: 'blocked' | Standstill;
  readonly ms: number;
}

/** A thing that is done to healthy connections. */
export type Ordeal = (
  app: App,
  clients: readonly Connected[],
  times: Times,
) => Promise<{ readonly perSocket?: number }>;

interface Connected {
  readonly id: number;
  readonly name: ClientName;
  readonly host: string;
}

const foundWithinMs = 20_000;
const shownVerdicts = 5;
const reportEveryMs = 60_000;
let nextId = 2_000_000;

/** The application stands still, again and again, half of the time with a call out on each connection. */
export const stand =
  (stalls: readonly Stall[]): Ordeal =>
  async (app, clients, times) => {
    for (const [index, { by, ms }] of stalls.entries()) {
      const callers = index % 2 === 0 ? clients.map(({ id }) => id) : [];
      if (by === 'blocked') {
        const before = app.all('blocked').length;
        app.send({ type: 'block', ms, callers });
        await app.until('the end of a stall', () => app.all('blocked').length > before, 60_000 + ms);
      } else {
        for (const id of callers) app.send({ type: 'call', id });
        await standStill(app.all('ready')[0]?.pid as number, by, ms);
      }
      // Time for a verdict that would be wrong.
      await sleep((times.timeout + 0.5) * 1000);
    }
    return { perSocket: stalls.length };
  };

/** All make a call that takes so long, and nothing else happens; or only those of these names, and the others are idle. */
export const waitFor =
  (seconds: number, names?: readonly ClientName[]): Ordeal =>
  async (app, clients) => {
    for (const { id, name } of clients)
      if (names?.includes(name) ?? true) app.send({ type: 'wait', id, seconds });
    await sleep(seconds * 1000);
    const isAnswered = () => app.all('settled').length === app.all('called').length;
    // Requests to a server that computes in the process of others may have been read only after it.
    await app.until('the answers', isAnswered, seconds * 1000 + 30_000);
    return {};
  };

/** So many callers of each client call again and again. */
export const load =
  (callers: number, seconds: number): Ordeal =>
  async (app, clients) => {
    for (const { id } of clients) app.send({ type: 'load', id, callers, seconds });
    const isOver = () => app.all('loaded').length === clients.length;
    await app.until('the end of the load', isOver, seconds * 1000 + 60_000);
    return {};
  };

/** Packets are lost with this probability both ways, while each client makes a call every second. */
export const loseSome =
  (lab: SocketLab, probability: number, seconds: number, print?: (line: string) => void): Ordeal =>
  async (app, clients, times) => {
    lab.rig.lose(probability);
    const startMs = performance.now();
    let printed = 0;
    for (let reportMs = reportEveryMs, passedMs = 0; passedMs < seconds * 1000; ) {
      for (const { id } of clients) {
        app.send({ type: 'call', id });
        await sleep(1000 / clients.length);
      }
      passedMs = performance.now() - startMs;
      if (passedMs < reportMs) continue;
      const died = app.all('died');
      print?.(`${Math.round(passedMs / 1000)} s of ${seconds}: ${died.length} dropped`);
      for (const { message } of died.slice(printed)) print?.(`  ${message}`);
      printed = died.length;
      reportMs += reportEveryMs;
    }
    await sleep((times.timeout + times.period + 1) * 1000);
    lab.heal();
    return {};
  };

/** The application gets so small a part of a processor, in per cent, while it makes a call every second. */
export const starve =
  (percent: number, seconds: number): Ordeal =>
  async (app, clients) => {
    using group = new ControlGroup('cpu', app.all('ready')[0]?.pid as number);
    group.limit(percent);
    for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; ) {
      for (const { id } of clients) app.send({ type: 'call', id });
      await sleep(1000);
    }
    return {};
  };

export interface FalseDropsOptions {
  readonly times?: Times;
  readonly setup?: Setup;
  /** One more than clients, and others than those of what goes on at the same time; by default the lab's first. */
  readonly hosts?: readonly string[];
}

/** Connects these clients, has them go through it, and returns what was lost. */
export async function falseDrops(
  lab: SocketLab,
  names: readonly ClientName[],
  ordeal: Ordeal,
  {
    times = { period, timeout },
    setup = 'default',
    hosts = lab.hosts(names.length + 1),
  }: FalseDropsOptions = {},
): Promise<FalseDrops> {
  const isAdapted = setup === 'adapter';
  await using app = await lab.startApp({ times, watched: isAdapted ? 'registry' : 'sockets' });
  const clients = names.map((name, index) => ({ id: nextId++, name, host: hosts[index] as string }));
  const victim: Connected = {
    id: nextId++,
    name: isAdapted ? 'ws' : 'plain socket',
    host: hosts.at(-1) as string,
  };
  await connectAll(app, [...clients, victim], setup);
  const { perSocket = 1 } = await ordeal(app, clients, times);
  const settled = app.all('settled');
  const died = app.all('died');
  const outcome = {
    sockets: clients.length,
    chances: clients.length * perSocket,
    dropped: died.length,
    verdicts: died.slice(0, shownVerdicts).map(({ message }) => message),
    lost: app.all('lost').length,
    calls: app.all('called').length + sum(app.all('loaded'), ({ calls }) => calls),
    failedCalls:
      settled.filter(({ error }) => error !== undefined).length +
      sum(app.all('loaded'), ({ failedCalls }) => failedCalls),
  };
  lab.cut(victim.host);
  const isFound = () => app.all('died').some(({ address }) => address.startsWith(`${victim.host}:`));
  const stillWatches = await app.meets(isFound, foundWithinMs);
  lab.heal(victim.host);
  return { ...outcome, stillWatches };
}

function sum<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}
