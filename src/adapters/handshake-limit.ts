import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { KeepAliveError } from '../model/errors.js';
import { ignoreErrors } from './socket-target.js';

/** The handshake of a client that reconnects by itself. */
export interface Handshake {
  /** The socket that it connects by. */
  socket(): Socket | undefined;
  /** Whether it waits for what it has asked of the server, or will ask. */
  isWaiting(): boolean;
  /** Whatever emits `error` when the connection is destroyed with one. */
  readonly emitters: readonly EventEmitter[];
}

const defaultSeconds = 30;
/** How many looks there are in that time. A blocked main loop has none, and so counts for one of them at most. */
const looks = 4;

/**
 * Ends a connection that was accepted, but whose server does not say a byte while the client sets it up, nor within a quarter of
 * the time more. The host of a server that hangs accepts connections, and a client without a time limit for this would wait for
 * that server, also when Sentinel has another one by now.
 */
export function limitHandshake(client: EventEmitter, handshake: Handshake, seconds = defaultSeconds): void {
  let watched: Socket | undefined;
  const watch = () => {
    const socket = handshake.socket();
    if (!socket || socket.destroyed || socket.connecting || socket === watched) return;
    watched = socket;
    let { bytesRead } = socket;
    let silentLooks = 0;
    const look = () => {
      // Until something is written, as while credentials are fetched, the server has nothing to answer.
      const isSilent =
        handshake.isWaiting() &&
        socket.bytesWritten > 0 &&
        socket.bytesRead === bytesRead &&
        !socket.destroyed;
      silentLooks = isSilent ? silentLooks + 1 : 0;
      bytesRead = socket.bytesRead;
      // The first one only shows that the server has been asked.
      if (silentLooks <= looks) return;
      ignoreErrors(handshake.emitters, socket);
      socket.destroy(silence(seconds));
    };
    // What has come while the loop was blocked is read first.
    const timer = setInterval(() => setImmediate(() => setImmediate(look)), (seconds * 1000) / looks).unref();
    const stop = () => clearInterval(timer);
    client.once('ready', stop);
    socket.once('close', () => {
      stop();
      client.off('ready', stop);
    });
  };
  client.on('connect', watch);
  // It may have begun.
  if (handshake.isWaiting()) watch();
}

function silence(seconds: number): KeepAliveError {
  const message = `The server accepted the connection, and then sent no byte for ${seconds} s`;
  return new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', message, { retryable: true });
}
