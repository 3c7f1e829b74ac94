import { systemClock } from '#src/async/clock.js';
import type { Computer } from './network.js';

export const directions = ['both ways', 'to the server', 'to the client'] as const;
export type Direction = (typeof directions)[number];

/** Drops all packets from or to an address of the server from now on. @returns the moment just before. */
export function cut(server: Computer, address: string, direction: Direction): number {
  const [host] = address.split(':');
  const rules = [
    ...(direction === 'to the client' ? [] : [`-A INPUT -d ${host} -j DROP`]),
    ...(direction === 'to the server' ? [] : [`-A OUTPUT -s ${host} -j DROP`]),
  ];
  const atMs = systemClock.now();
  server.filter(rules);
  return atMs;
}
