import { setTimeout as sleep } from 'node:timers/promises';
import { Relay } from '../../../dist/test/support/relay.js';
import type { Loss } from '../processes/peer-clients.js';
import { period } from './peer.js';

/** Connections of one peer, in a process of their own. */
export interface Clients extends AsyncDisposable {
  takeLosses(): Promise<Loss[]>;
  /** Resolves when there are so many losses, or after so long. */
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
  /** Of each connection; `Infinity`: not as long as was waited. */
  readonly detectedAfterMs: readonly number[];
  readonly falseDisconnects: readonly { readonly stallMs: number; readonly share: number }[];
}

/** The server answers after this, so that stalls catch signs of life under way. */
const answersAfterMs = 300;

const monotonicNow = () => Number(process.hrtime.bigint()) / 1e6;

/** Tries one peer: first stalls of a host whose server is well, then silent drops. */
export async function tryPeer(
  { serve, open }: Contestant,
  trial: Trial,
  progress: (line: string) => void,
): Promise<TrialResult> {
  await using server = await serve();
  // A relay each, so that one connection can be told from another.
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

/** In which part of all cases a connection was lost though its server was well. */
async function stallAgain(
  clients: Clients,
  ms: number,
  count: number,
  { connections }: Trial,
): Promise<number> {
  let lost = 0;
  for (let i = 0; i < count; i++) {
    // Long enough that each has heard of its server again, and at no fixed phase.
    await sleep((3 + Math.random()) * period * 1000);
    await clients.takeLosses();
    if (ms > 0) await clients.block(ms);
    // The server may have a verdict of its own that reaches the client only now.
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
      // From here on a new connection is as silent.
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
