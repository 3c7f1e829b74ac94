import { setTimeout as sleep } from 'node:timers/promises';
import { Relay } from '../../../dist/test/support/relay.js';
import type { Loss } from '../processes/peer-clients.js';
import { period } from './peer.js';

/** Connections of one peer, in a separate process. */
export interface Clients extends AsyncDisposable {
  takeLosses(): Promise<Loss[]>;
  /** Resolves at a number of losses, or after a time. */
  waitForLosses(count: number, ms: number): Promise<void>;
  /** Blocks their main loop. */
  block(ms: number): Promise<void>;
}

export interface PeerServer extends AsyncDisposable {
  readonly port: number;
}

export interface Contestant {
  readonly name: string;
  readonly settings: string;
  serve(): Promise<PeerServer>;
  /** Opens a connection to each port of 127.0.0.1. */
  open(ports: readonly number[]): Promise<Clients>;
}

export interface Trial {
  readonly connections: number;
  /** How long to wait for the detection of a silent drop. */
  readonly waitMs: number;
  readonly stalls: readonly { readonly ms: number; readonly count: number }[];
}

export interface TrialResult {
  /** For each connection; `Infinity`: not within the time limit. */
  readonly detectedAfterMs: readonly number[];
  readonly falseDisconnects: readonly { readonly stallMs: number; readonly share: number }[];
}

/** The server replies after this time, so that signs of life are under way during stalls. */
const answersAfterMs = 300;

const monotonicNow = () => Number(process.hrtime.bigint()) / 1e6;

/** Tests one peer: first stalls of a host whose server is healthy, then silent drops. */
export async function tryPeer(
  { serve, open }: Contestant,
  trial: Trial,
  progress: (line: string) => void,
): Promise<TrialResult> {
  await using server = await serve();
  // A relay for each, to identify the connections.
  const relays = await Promise.all(
    Array.from({ length: trial.connections }, () => Relay.listen(`127.0.0.1:${server.port}`)),
  );
  try {
    for (const relay of relays) {
      relay.welcome = { kind: 'relayed', toClient: { kind: 'delay', ms: answersAfterMs } };
    }
    await using clients = await open(relays.map(({ address }) => Number(address.split(':')[1])));
    const falseDisconnects: { stallMs: number; share: number }[] = [];
    for (const { ms, count } of trial.stalls) {
      falseDisconnects.push({ stallMs: ms, share: await stallAgain(clients, ms, count, trial) });
      progress(`${count} stalls of ${ms / 1000} s`);
    }
    // A last reconnect may be under way.
    await sleep(3 * period * 1000);
    const detectedAfterMs = await dropAll(clients, relays, trial);
    progress('silent drops');
    return { detectedAfterMs, falseDisconnects };
  } finally {
    await Promise.all(relays.map((relay) => relay.close()));
  }
}

/** The share of cases in which a connection was lost although its server was healthy. */
async function stallAgain(
  clients: Clients,
  ms: number,
  count: number,
  { connections }: Trial,
): Promise<number> {
  let lost = 0;
  for (let i = 0; i < count; i++) {
    // Long enough for each client to hear from its server again, and at a random phase.
    await sleep((3 + Math.random()) * period * 1000);
    await clients.takeLosses();
    if (ms > 0) await clients.block(ms);
    // The server may have reached a verdict of its own, of which the client hears only now.
    await sleep(2 * period * 1000);
    const losses = await clients.takeLosses();
    lost += new Set(losses.map(({ connection }) => connection)).size;
  }
  return lost / (count * connections);
}

async function dropAll(clients: Clients, relays: readonly Relay[], { waitMs }: Trial): Promise<number[]> {
  for (const relay of relays) {
    relay.welcome = { kind: 'relayed' };
    if (relay.current === undefined) throw new Error('A connection was not there any more');
    relay.current.toClient.manner = { kind: 'pass' };
  }
  await clients.takeLosses();
  const droppedAtMs: number[] = [];
  await Promise.all(
    relays.map(async (relay, index) => {
      await sleep(Math.random() * period * 1000);
      droppedAtMs[index] = monotonicNow();
      // New connections are silent as well from now on.
      relay.current?.silence();
      relay.welcome = { kind: 'mute' };
    }),
  );
  await clients.waitForLosses(relays.length, waitMs);
  const losses = await clients.takeLosses();
  return droppedAtMs.map((atMs, index) => {
    const loss = losses.find(({ connection }) => connection === index);
    return loss === undefined ? Infinity : loss.atMs - atMs;
  });
}
