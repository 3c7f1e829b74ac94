/** Connections of one of the peers in a host that stands still when told to, and what they take for lost and when. */
import { serve } from '../harness/child.js';
import { findPeer } from '../peers/all.js';
import type { PeerConnection } from '../peers/peer.js';

export interface Loss {
  readonly connection: number;
  /** By the monotonic clock, which all processes of a machine share, in milliseconds. */
  readonly atMs: number;
}

export interface ClientsOptions {
  readonly peer: string;
  readonly host: string;
  /** Of each connection. */
  readonly ports: readonly number[];
}

const connections: (PeerConnection | undefined)[] = [];
let losses: Loss[] = [];
let onLoss = () => {};

const api = {
  async open({ peer, host, ports }: ClientsOptions): Promise<void> {
    await Promise.all(ports.map((port, index) => keepOpen(peer, host, port, index)));
  },
  /** The losses since this was last asked. */
  async takeLosses(): Promise<Loss[]> {
    const taken = losses;
    losses = [];
    return taken;
  },
  /** Resolves when there are so many losses, or after so long. */
  async waitForLosses({ count, ms }: { readonly count: number; readonly ms: number }): Promise<void> {
    const timer = setTimeout(() => onLoss(), ms);
    const endMs = performance.now() + ms;
    while (losses.length < count && performance.now() < endMs - 1) {
      await new Promise<void>((resolve) => {
        onLoss = resolve;
      });
    }
    clearTimeout(timer);
  },
  /** Blocks the main loop, without burning the core that others need. */
  async block({ ms }: { readonly ms: number }): Promise<void> {
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
        resolve();
      });
    });
  },
};

/** A lost connection is replaced, so that the next stall finds as many. */
async function keepOpen(name: string, host: string, port: number, index: number): Promise<void> {
  const connection = await findPeer(name).connect(host, port);
  connections[index] = connection;
  void connection.lost.then(async () => {
    losses.push({ connection: index, atMs: Number(process.hrtime.bigint()) / 1e6 });
    onLoss();
    connection.close();
    // It may fail while the way to its server is silent; then it is not needed any more.
    await keepOpen(name, host, port, index).catch(() => {});
  });
}

export type PeerClientsApi = typeof api;
serve(api);
