/* What a `net.Socket` shows of its connection. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SocketPorts } from './diagnosis.js';
import { addressDigest, addressWords } from './ip-address.js';

/** What Node's sockets have on the inside, as far as it is used here. A socket that connects again gets a new one. */
export interface Handle {
  /** Handed to libuv since the beginning. */
  readonly bytesWritten?: unknown;
  /** Of those, not handed to the system yet. */
  readonly writeQueueSize?: unknown;
  getsockname?(result: EndName): unknown;
  getpeername?(result: EndName): unknown;
}

interface EndName {
  readonly address?: unknown;
  readonly port?: unknown;
}

/** Both ends of a TCP connection. */
export interface Ends {
  readonly localPort: number;
  readonly remotePort: number;
  /** As text. */
  readonly remoteAddress: string;
}

/** `undefined` once it is closed, or was handed to another process. */
export function handleOf(socket: Socket): Handle | undefined {
  return (socket as { readonly _handle?: Handle | null })._handle ?? undefined;
}

/**
 * `undefined` for a unix domain socket, and for one that is not connected any more.
 *
 * Not by the getters of the socket: they keep what they were asked, 250 bytes a connection, and `remoteAddress`, which is
 * `undefined` for a destroyed socket, would then still be there.
 */
export function endsOf(handle: Handle): Ends | undefined {
  if (typeof handle.getsockname !== 'function' || typeof handle.getpeername !== 'function') return undefined;
  const local: EndName = {};
  const remote: EndName = {};
  handle.getsockname(local);
  handle.getpeername(remote);
  if (typeof local.port !== 'number' || typeof remote.port !== 'number') return undefined;
  if (typeof remote.address !== 'string') return undefined;
  return { localPort: local.port, remotePort: remote.port, remoteAddress: remote.address };
}

/** The ports of both ends; `undefined` while it is not connected, and for a unix domain socket. */
export function portsOf(socket: Socket): SocketPorts | undefined {
  const handle = handleOf(socket);
  // A runtime other than Node, or a stream in the place of a socket, need not have a handle that tells.
  const { localPort, remotePort, remoteAddress } = (handle && endsOf(handle)) ?? socket;
  if (localPort === undefined || remotePort === undefined || remoteAddress === undefined) return undefined;
  return {
    local: localPort,
    remote: remotePort,
    remoteAddress: addressDigest(addressWords(remoteAddress)),
  };
}

/**
 * The socket below TLS, where TLS was put on a socket that was there; otherwise the socket itself. Only that one can be reset.
 */
export function transportOf(socket: Socket): Socket {
  return (socket as { readonly _parent?: Socket | null })._parent ?? socket;
}

/**
 * How many bytes that were written to a socket have not been handed to the system. `writableLength` alone counts a write that
 * is under way as a whole until its end: for minutes, when all that waited goes out as one. With TLS there is nothing better.
 */
export function heldBackBytes(socket: Socket): number {
  const { writableLength } = socket;
  if (writableLength === 0 || socket instanceof TLSSocket) return writableLength;
  const { bytesWritten, writeQueueSize } = handleOf(socket) ?? {};
  if (typeof bytesWritten !== 'number' || typeof writeQueueSize !== 'number') return writableLength;
  const buffered = socket.bytesWritten - bytesWritten;
  return Math.max(0, Math.min(buffered + writeQueueSize, writableLength));
}

/** What was written to a socket, and how much of that has not been handed to the system. */
export function outgoingOf(socket: Socket): {
  readonly writtenBytes: number;
  readonly heldBackBytes: number;
} {
  return { writtenBytes: socket.bytesWritten, heldBackBytes: heldBackBytes(socket) };
}
