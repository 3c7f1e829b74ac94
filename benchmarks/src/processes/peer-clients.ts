/** Connections of one peer in a host that can be blocked, and when they are considered lost. */
import { serve } from '../harness/child.js';
import { findPeer } from '../peers/all.js';
import type { PeerConnection } from '../peers/peer.js';

export interface Loss {
  readonly connection: number;
  /** In milliseconds of the monotonic clock, which all processes of a machine share. */
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
  /** The losses since the last call. */
  async takeLosses(): Promise<Loss[]> {
    const taken = losses;
    losses = [];
    return taken;
  },
  /** Resolves at a number of losses, or after a time. */
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
  /** Blocks the main loop without using the core that others need. */
  async block({ ms }: { readonly ms: number }): Promise<void> {
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
        resolve();
      });
    });
  },
};

/** Replaces a lost connection, so that the next stall affects as many. */
async function keepOpen(name: string, host: string, port: number, index: number): Promise<void> {
  const connection = await findPeer(name).connect(host, port);
  connections[index] = connection;
  void connection.lost.then(async () => {
    losses.push({ connection: index, atMs: Number(process.hrtime.bigint()) / 1e6 });
    onLoss();
    connection.close();
    // Fails if the path to its server is silent by now; it is no longer needed then.
    await keepOpen(name, host, port, index).catch(() => {});
  });
}

export type PeerClientsApi = typeof api;
serve(api);
