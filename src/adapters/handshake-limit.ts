import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { KeepAliveError } from '../model/errors.js';

/** A client that reconnects by itself, while its connection is being set up. */
export interface ConnectingClient extends EventEmitter {
  readonly status: string;
  readonly stream: Socket;
  /** What has been asked of the server. */
  readonly commandQueue: { readonly length: number };
}

const defaultSeconds = 30;

/**
 * Ends a connection that was accepted, but whose server does not say a byte while the client sets it up. The host of a server
 * that hangs accepts connections, and a client without a time limit for this would wait for that server, also when Sentinel has
 * another one by now.
 */
export function limitHandshake(client: ConnectingClient, seconds = defaultSeconds): void {
  client.on('connect', () => {
    const { stream } = client;
    let { bytesRead } = stream;
    const look = () => {
      const isWaiting = client.status === 'connect' && client.commandQueue.length > 0;
      if (isWaiting && stream.bytesRead === bytesRead) stream.destroy(silence(seconds));
      bytesRead = stream.bytesRead;
    };
    // What has come while the loop was blocked is read first.
    const timer = setInterval(() => setImmediate(() => setImmediate(look)), seconds * 1000).unref();
    const stop = () => clearInterval(timer);
    client.once('ready', stop);
    stream.once('close', () => {
      stop();
      client.off('ready', stop);
    });
  });
}

function silence(seconds: number): KeepAliveError {
  const message = `The server accepted the connection, and then sent no byte for ${seconds} s`;
  return new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', message, { retryable: true });
}
