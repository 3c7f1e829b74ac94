/* What is read from a connected socket, and how: without a trace that its owner could notice. */
import type { Socket } from 'node:net';
import { addressWords } from '../tcp/ip-address.js';
import { endsOf, type Handle } from '../tcp/socket-view.js';
import type { SocketEndpoints } from '../threads/socket-table.js';

/** Both ends of a TCP connection; `undefined` for a unix domain socket, and for one that is not connected any more. */
export function endpointsOf(handle: Handle): SocketEndpoints | undefined {
  const ends = endsOf(handle);
  return ends && { ...ends, remoteAddress: addressWords(ends.remoteAddress) };
}

/** The name that was looked up for it; `undefined` when it was given an address. Node keeps it since its first versions. */
export function requestedHost(socket: Socket): string | undefined {
  const { _host } = socket as unknown as { readonly _host?: unknown };
  return typeof _host === 'string' ? _host : undefined;
}
