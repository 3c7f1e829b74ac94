import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { KeepAliveError } from '../model/errors.js';
import { ignoreErrors } from './socket-target.js';

/** The handshake of a client that reconnects by itself. */
export interface Handshake {
  /** The socket that it connects by. */
  socket(): Socket | undefined;
  /** Whether it waits for what it has asked of the server. */
  isWaiting(): boolean;
  /** Whatever emits `error` when the connection is destroyed with one. */
  readonly emitters: readonly EventEmitter[];
}

const defaultSeconds = 30;

/**
 * Ends a connection that was accepted, but whose server does not say a byte while the client sets it up. The host of a server
 * that hangs accepts connections, and a client without a time limit for this would wait for that server, also when Sentinel has
 * another one by now.
 */
export function limitHandshake(client: EventEmitter, handshake: Handshake, seconds = defaultSeconds): void {
  client.on('connect', () => {
    const socket = handshake.socket();
    if (socket === undefined) return;
    let { bytesRead } = socket;
    const look = () => {
      if (!socket.destroyed && handshake.isWaiting() && socket.bytesRead === bytesRead) {
        ignoreErrors(handshake.emitters, socket);
        socket.destroy(silence(seconds));
      }
      bytesRead = socket.bytesRead;
    };
    // What has come while the loop was blocked is read first.
    const timer = setInterval(() => setImmediate(() => setImmediate(look)), seconds * 1000).unref();
    const stop = () => clearInterval(timer);
    client.once('ready', stop);
    socket.once('close', () => {
      stop();
      client.off('ready', stop);
    });
  });
}

function silence(seconds: number): KeepAliveError {
  const message = `The server accepted the connection, and then sent no byte for ${seconds} s`;
  return new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', message, { retryable: true });
}
