/**
 * Makes connections, in turn with and without an agent that watches them: in one process, whose code is compiled by then, so
 * that nothing else differs.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../harness/child.js';
import { inPairs } from '../harness/comparison.js';
import { threadUs } from '../harness/cpu.js';
import { openSocket, openSockets, SocketAgent } from '../subjects/watched-sockets.js';

export type ConnectionKind = 'short' | 'lasting';

export interface ConnectOptions {
  readonly kind: ConnectionKind;
  readonly port: number;
  /** In each batch. */
  readonly count: number;
  /** Of each kind, watched and not. */
  readonly batches: number;
}

/** The main thread's CPU time a connection, in microseconds, one of each batch. */
export interface ConnectCosts {
  readonly unwatched: readonly number[];
  readonly watched: readonly number[];
}

/** The agent looks four times a second; it has seen all that is open, and all that was closed, after a few looks. */
const severalLooksMs = 800;
const warmUps = 4;

const connectAndClose: Readonly<Record<ConnectionKind, (port: number, count: number) => Promise<void>>> = {
  async short(port, count) {
    for (let made = 0; made < count; made += 10)
      await Promise.all(Array.from({ length: 10 }, async () => close(await openSocket(port))));
  },
  async lasting(port, count) {
    const sockets = await openSockets(port, count);
    await sleep(severalLooksMs);
    await Promise.all(sockets.map(close));
    await sleep(severalLooksMs);
  },
};

const api = {
  async measure({ kind, port, count, batches }: ConnectOptions): Promise<ConnectCosts> {
    const agent = await SocketAgent.start();
    const costUs = async () => {
      const startUs = threadUs(process.pid) ?? Number.NaN;
      await connectAndClose[kind](port, count);
      return ((threadUs(process.pid) ?? Number.NaN) - startUs) / count;
    };
    const watchedUs = async () => {
      using _watch = agent.watch();
      return await costUs();
    };
    const { before, after } = await inPairs({ slices: batches, warmUps }, costUs, watchedUs);
    return { unwatched: before, watched: after };
  },
};

function close(socket: Socket): Promise<unknown> {
  const closed = once(socket, 'close');
  socket.destroy();
  return closed;
}

export type ConnecterApi = typeof api;
serve(api);
