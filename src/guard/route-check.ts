import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { KeepAliveError } from '../model/errors.js';
import { type Address, formatAddress } from '../zeo/connection/address.js';
import type { Route } from './frontend.js';

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/**
 * Refuses what would relay to itself: each connection would make another one, until nothing is left to make one of.
 *
 * @param listens where the guard listens
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`
 */
export async function checkRoutes(routes: readonly Route[], listens: readonly Address[]): Promise<void> {
  for (const { servers } of routes) {
    for (const server of servers) {
      for (const listen of listens) {
        if (!(await leadsTo(server, listen))) continue;
        throw new KeepAliveError(
          'ERR_ZEO_INVALID_ADDRESS',
          `The server ${formatAddress(server)} leads back to this guard, which listens on ${formatAddress(listen)}; ` +
            'expected the address of a ZEO server',
        );
      }
    }
  }
}

/** Whether whoever connects to the server's address would be accepted where somebody listens on the other one. */
export async function leadsTo(server: Address, listen: Address): Promise<boolean> {
  if ('path' in listen || 'path' in server)
    return 'path' in listen && 'path' in server && listen.path === server.path;
  if (listen.port !== server.port) return false;
  const [own, others] = await Promise.all([addressesOf(listen.host), addressesOf(server.host)]);
  const isOwn = wildcards.has(listen.host) ? isOfThisMachine : (host: string) => own.includes(host);
  return others.some((host) => isOwn(host) || wildcards.has(host));
}

/** A name that is not known now is not one of this machine. */
async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

function isOfThisMachine(host: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return host.startsWith('127.') || own.some(({ address }) => address === host);
}
