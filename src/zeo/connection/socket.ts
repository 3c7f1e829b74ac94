/* The one place that knows how bytes get to a server, and what their ways of failing mean. */
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectWithTls, TLSSocket } from 'node:tls';
import { ClientDisconnected, type KeepAliveError, ProtocolError } from '../../model/errors.js';
import { type Address, formatAddress } from './address.js';
import { connectTo } from './connect.js';
import { isTlsError, type TlsOptions } from './tls.js';

/**
 * What the sockets of {@link openSocketReusingMemory} read into, all of this thread: reading, and handing over what was read,
 * are one synchronous step. Also on Windows, where libuv asks for memory when there is something to read, and not before.
 *
 * As large as what Node itself reads at once.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** The memory of every chunk that {@link openSocketReusingMemory} hands over, to be told from other memory. */
export const reusedMemory: ArrayBufferLike = readBuffer.buffer;

/** The phase of a connection in which the server has to speak first. */
export const greetingPhase = 'the greeting of a ZEO server';

export interface SocketOptions {
  readonly tls?: TlsOptions | undefined;
  /** Its writable side stays open when the server has ended its own. */
  readonly allowHalfOpen?: boolean;
  /** See {@link ConnectRequest}. */
  readonly onPhase?: (awaited: string) => void;
}

/**
 * Connects to a server; with TLS, its handshake is still to come. It is an ordinary socket: each chunk of its `data` events
 * has memory of its own, so it can be piped.
 *
 * @throws as {@link connectTo}
 */
export function openSocket(address: Address, options: SocketOptions, signal: AbortSignal): Promise<Socket> {
  return open(address, options, undefined, signal);
}

/**
 * The same without memory for each chunk, which would cost a ping more than all that is done with its reply.
 *
 * @param onChunk is handed what comes, in the place of `data` events, and not before the caller has the socket. The next chunk
 *   of any such socket overwrites it: what is kept, or written to another socket, has to be copied before this returns
 */
export function openSocketReusingMemory(
  address: Address,
  options: SocketOptions,
  onChunk: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<Socket> {
  const onread: OnReadOpts = {
    buffer: readBuffer,
    callback: (length, buffer) => {
      onChunk(buffer.subarray(0, length));
      return true;
    },
  };
  return open(address, options, onread, signal);
}

async function open(
  address: Address,
  { tls, allowHalfOpen = false, onPhase }: SocketOptions,
  onread: OnReadOpts | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const start = (candidate: Address, name: string | undefined) => {
    const options = { ...candidate, allowHalfOpen, ...(onread !== undefined && { onread }) };
    if (tls === undefined) return connect({ ...options, noDelay: true });
    // The certificate is for the name, not for the address that it was looked up to.
    const servername = name === undefined ? {} : { servername: name };
    return connectWithTls({ ...options, ...servername, ...tls }).setNoDelay(true);
  };
  const socket = await connectTo(address, { open: start, onPhase }, signal);
  if (socket.errored) throw socketFailure(socket, formatAddress(address), socket.errored, true);
  if (signal.aborted) {
    socket.destroy();
    throw signal.reason;
  }
  if (tls !== undefined) socket.once('secureConnect', () => onPhase?.(greetingPhase));
  onPhase?.(tls === undefined ? greetingPhase : 'the TLS handshake');
  return socket;
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
  return isSilent
    ? new ClientDisconnected(`Cannot connect to ${address}: ${what}`, { code: 'ERR_ZEO_CONNECT', cause })
    : new ClientDisconnected(`The connection to ${address} was lost: ${what}`, { cause });
}

/** That a phase did not complete in time, and what may be the reason. */
export function lateness(phase: string, limitMs: number, { tls }: Pick<SocketOptions, 'tls'>): string {
  const hint =
    phase === greetingPhase && tls === undefined
      ? '; one that expects TLS waits for the client to begin it'
      : '';
  return `${phase} did not complete within ${Number((limitMs / 1000).toPrecision(3))} s${hint}`;
}

/** How a server has ended a connection; Python's says no more to a client whose certificate it refuses. */
export function closeReason(socket: Socket, isSilent: boolean): string {
  return socket instanceof TLSSocket && isSilent
    ? 'the server closed the connection at once, as one does that does not accept this client’s certificate'
    : 'the server closed the connection';
}
