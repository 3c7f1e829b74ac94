import type { Socket } from 'node:net';
import { ClientDisconnected } from '../model/errors.js';
import { closeReason, socketFailure } from '../zeo/connection/socket.js';
import { Registration } from './registration.js';

/** What a server has said before the client has registered. */
export interface Greeting {
  readonly registration: Registration;
  /** What has come so far. */
  readonly received: readonly Uint8Array[];
}

/**
 * Waits until a server has greeted. The socket is then paused: nothing is lost until somebody listens.
 *
 * @param name of the server
 * @throws what keeps it from greeting; `signal.reason`. The socket is destroyed then.
 */
export function greetingOf(socket: Socket, name: string, signal: AbortSignal): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    const registration = new Registration();
    const received: Uint8Array[] = [];
    const settle = () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('data', onData).off('end', onEnd);
    };
    const fail = (error: Error) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = () => fail(signal.reason as Error);
    const onError = (error: Error) => fail(socketFailure(socket, name, error, received.length === 0));
    const onEnd = () =>
      fail(new ClientDisconnected(`${name} did not greet: ${closeReason(socket, received.length === 0)}`));
    const onData = (chunk: Uint8Array) => {
      received.push(chunk);
      registration.receiveFromServer(chunk);
      if (registration.fault !== undefined) fail(registration.fault);
      if (registration.protocol === undefined) return;
      settle();
      // Until somebody takes it over it may fail unseen.
      socket
        .pause()
        .on('error', () => {})
        .off('error', onError);
      resolve({ registration, received });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError).on('end', onEnd).on('data', onData);
  });
}
