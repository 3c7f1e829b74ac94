import { type Computer, serverPort } from '../faults/kernel/networks/network.js';
import { GuardsProcess } from './guards-process.js';
import { Haproxy } from './haproxy.js';

/** What lies between the clients and their servers. */
export const ways = ['guard', 'HAProxy, tuned', 'HAProxy', 'direct'] as const;
export type Way = (typeof ways)[number];

export interface WayOptions {
  readonly computer: Computer;
  readonly servers: readonly [string, string];
  /** How many clients there are to be. */
  readonly count: number;
  /** Of guard, in seconds. */
  readonly period: number;
  readonly timeout: number;
}

export interface OpenWay extends AsyncDisposable {
  /** Where each client connects. Each has a guard, or a proxy, of its own: they check at moments of their own. */
  readonly addresses: readonly string[];
}

/** Opens a way, on the computer of the clients. */
export async function openWay(way: Way, options: WayOptions): Promise<OpenWay> {
  const { computer, servers, count, period, timeout } = options;
  const listens = Array.from({ length: count }, (_, index) => `127.0.0.1:${serverPort + index}`);
  if (way === 'direct') {
    // Only the first server: which of several a client takes is left to it.
    const addresses = listens.map(() => servers[0]);
    return { addresses, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const relay =
    way === 'guard'
      ? await GuardsProcess.start(computer, { listens, servers, period, timeout })
      : new Haproxy(computer, { listens, servers, isTuned: way === 'HAProxy, tuned' });
  return { addresses: listens, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}
