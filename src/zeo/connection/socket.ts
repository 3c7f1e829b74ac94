/* The one place that knows how bytes get to a server, and what their ways of failing mean. */
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectWithTls, TLSSocket } from 'node:tls';
import { ClientDisconnected, type KeepAliveError, ProtocolError } from '../../model/errors.js';
import type { SocketPorts } from '../../tcp/diagnosis.js';
import type { Address } from './address.js';
import { isTlsError, type TlsOptions } from './tls.js';

/**
 * What every socket of this thread reads into: reading, and handing over what was read, are one synchronous step. Also on
 * Windows, where libuv asks for memory when there is something to read, and not before.
 *
 * Memory of its own for each chunk would cost a ping more than all that is done with its reply. As large as what Node itself
 * reads at once.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** The memory of every chunk that {@link openSocket} hands over, to be told from other memory. */
export const reusedMemory: ArrayBufferLike = readBuffer.buffer;

/**
 * Starts to connect, with TLS where there are options for it.
 *
 * @param onChunk is handed what comes; the chunk's memory is written over after it returns
 */
export function openSocket(
  address: Address,
  tls: TlsOptions | undefined,
  onChunk: (chunk: Uint8Array) => void,
): Socket {
  const onread: OnReadOpts = {
    buffer: readBuffer,
    callback: (length, buffer) => {
      onChunk(buffer.subarray(0, length));
      return true;
    },
  };
  const target = { ...('path' in address ? { path: address.path } : address), onread };
  if (tls === undefined) return connect({ ...target, noDelay: true });
  return connectWithTls({ ...target, ...tls }).setNoDelay(true);
}

/** The ports of both ends; `undefined` while it is not connected, and for a unix domain socket. */
export function portsOf({ localPort: local, remotePort: remote }: Socket): SocketPorts | undefined {
  return local === undefined || remote === undefined ? undefined : { local, remote };
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

/**
 * What a socket's error means for the connection.
 *
 * @param isSilent whether no byte has come yet
 */
export function socketFailure(
  socket: Socket,
  address: string,
  cause: NodeJS.ErrnoException,
  isSilent: boolean,
): KeepAliveError {
  const what = cause.code ?? cause.message;
  if (socket instanceof TLSSocket && isTlsError(cause)) {
    return new ProtocolError(`Cannot speak TLS with ${address}: ${what}`, { code: 'ERR_ZEO_TLS', cause });
  }
  return socket.connecting || isSilent
    ? new ClientDisconnected(`Cannot connect to ${address}: ${what}`, { code: 'ERR_ZEO_CONNECT', cause })
    : new ClientDisconnected(`The connection to ${address} was lost: ${what}`, { cause });
}

/** How a server has ended a connection; Python's says no more to a client whose certificate it refuses. */
export function farewell(socket: Socket, isSilent: boolean): string {
  return socket instanceof TLSSocket && isSilent
    ? 'the server closed it at once, as one does that does not accept this client’s certificate'
    : 'the server closed it';
}
