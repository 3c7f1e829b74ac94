/* What a `net.Socket` shows of its connection. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SocketPorts } from './diagnosis.js';
import { addressDigest, addressWords } from './ip-address.js';

/** The ports of both ends; `undefined` while it is not connected, and for a unix domain socket. To be called once a connection. */
export function portsOf(socket: Socket): SocketPorts | undefined {
  const { localPort: local, remotePort: remote, remoteAddress } = socket;
  if (local === undefined || remote === undefined || remoteAddress === undefined) return undefined;
  return { local, remote, remoteAddress: addressDigest(addressWords(remoteAddress)) };
}

/**
 * The socket below TLS, where TLS was put on a socket that was there; otherwise the socket itself. Only that one can be reset.
 */
export function transportOf(socket: Socket): Socket {
  return (socket as { readonly _parent?: Socket | null })._parent ?? socket;
}

/** What Node's sockets have on the inside, as far as it is used here. */
interface Handle {
  /** Handed to libuv since the beginning. */
  readonly bytesWritten?: unknown;
  /** Of those, not handed to the system yet. */
  readonly writeQueueSize?: unknown;
}

/**
 * How many bytes that were written to a socket have not been handed to the system. `writableLength` alone counts a write that
 * is under way as a whole until its end: for minutes, when all that waited goes out as one. With TLS there is nothing better.
 */
export function heldBackBytes(socket: Socket): number {
  const { writableLength } = socket;
  if (writableLength === 0 || socket instanceof TLSSocket) return writableLength;
  const { bytesWritten, writeQueueSize } = (socket as { readonly _handle?: Handle | null })._handle ?? {};
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
