/* What is read from a connected socket, and how: without a trace that its owner could notice. */
import type { Socket } from 'node:net';
import { addressWords } from '../tcp/ip-address.js';
import type { SocketEndpoints } from '../threads/socket-table.js';

/** Node's own object behind a socket, as far as it is used here. A socket that reconnects gets a new one. */
export interface Handle {
  getsockname?(result: EndpointName): unknown;
  getpeername?(result: EndpointName): unknown;
}

interface EndpointName {
  readonly address?: unknown;
  readonly port?: unknown;
}

interface Internals {
  readonly _handle?: Handle | null;
  readonly _host?: unknown;
}

/** `undefined` once it is closed, or was handed to another process. */
export function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as Internals)._handle ?? undefined;
}

/**
 * Both ends of a TCP connection; `undefined` for a unix domain socket, and for one that is not connected any more.
 *
 * From the handle: the getters of the socket remember what they were asked, and `remoteAddress`, which is `undefined` for a
 * destroyed socket, would then still be there.
 */
export function endpointsOf(handle: Handle): SocketEndpoints | undefined {
  if (typeof handle.getsockname !== 'function' || typeof handle.getpeername !== 'function') return undefined;
  const local: EndpointName = {};
  const remote: EndpointName = {};
  handle.getsockname(local);
  handle.getpeername(remote);
  if (typeof local.port !== 'number' || typeof remote.port !== 'number') return undefined;
  if (typeof remote.address !== 'string') return undefined;
  return {
    localPort: local.port,
    remotePort: remote.port,
    remoteAddress: addressWords(remote.address),
  };
}

/** The name that was looked up for it; `undefined` when it was given an address. Node keeps it since its first versions. */
export function requestedHost(socket: Socket): string | undefined {
  const { _host } = socket as unknown as Internals;
  return typeof _host === 'string' ? _host : undefined;
}
