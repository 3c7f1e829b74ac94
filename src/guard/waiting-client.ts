import type { Socket } from 'node:net';
import { ClientDisconnected } from '../model/errors.js';

/** A client that has no server yet. */
export class WaitingClient {
  readonly socket: Socket;
  readonly #received: Uint8Array[] = [];
  readonly #controller = new AbortController();
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onExpired called when it has waited for as long as it is held */
  constructor(socket: Socket, onExpired: () => void) {
    this.socket = socket;
    this.#onExpired = onExpired;
    socket
      .on('data', this.#onData)
      .on('end', this.#onGone)
      .on('close', this.#onGone)
      .on('error', () => {});
  }

  /** Aborts when it is gone, or given up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From the first call on it is held for that time, however often a server comes and goes meanwhile. */
  hold(holdMs: number): void {
    this.#timer ??= setTimeout(this.#onExpired, holdMs);
  }

  giveUp(reason: Error): void {
    clearTimeout(this.#timer);
    this.#controller.abort(reason);
  }

  /** Hands over its socket, paused, and what it has sent so far. */
  release(): readonly Uint8Array[] {
    clearTimeout(this.#timer);
    this.socket.pause().off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone);
    return this.#received;
  }

  /** Before the greeting a client has nothing to say; one that speaks all the same is heard when there is a server. */
  readonly #onData = (chunk: Uint8Array): void => {
    this.#received.push(chunk);
    this.socket.pause();
  };

  readonly #onGone = (): void => {
    this.giveUp(new ClientDisconnected('The client has closed its connection'));
    this.socket.destroy();
  };
}
