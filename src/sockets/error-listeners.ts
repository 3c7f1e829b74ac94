import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/**
 * Whether an error of a socket reaches somebody who listens for it. Without, Node ends the process.
 *
 * Seen are the listeners of the socket itself and those of the HTTP request that uses it, to which Node's own listener passes
 * the error on. Not seen are owners that a listener only knows by its closure: a `pg.Client` or ioredis client, an HTTP/2
 * session, a TLS socket around this one.
 */
export function hearsErrors(socket: Socket): boolean {
  if (socket.listenerCount('error') === 0) return false;
  const { _httpMessage: request } = socket as unknown as { readonly _httpMessage?: EventEmitter | null };
  return request == null || request.listenerCount('error') > 0;
}
