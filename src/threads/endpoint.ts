import type { MessagePort } from 'node:worker_threads';
import * as Comlink from 'comlink';

/** One end of the RPC channel between the two threads: calls in both directions over one port. */
export interface Endpoint<Remote> {
  /**
   * Each call resolves to what the other side returns, or rejects with what it throws; an error keeps its name, message and
   * stack. It never settles if the other side is gone: see `closed`.
   */
  readonly remote: Comlink.Remote<Remote>;
  /** Resolves when either side has closed the port, or its thread has ended. After that calls throw. */
  readonly closed: Promise<void>;
  close(): void;
}

/**
 * Serves `local` on `port`, and returns the other side's object as `remote`. The port keeps its thread alive unless it is
 * unref'd afterwards.
 */
export function connect<Remote>(port: MessagePort, local: object): Endpoint<Remote> {
  const channel = messagesOf(port);
  Comlink.expose(local, channel);
  const remote = Comlink.wrap<Remote>(channel);
  return {
    remote,
    closed: new Promise((resolve) =>
      // This listener also holds the proxy: comlink closes the port when the proxy is garbage-collected.
      port.once('close', () => {
        // Until its release comlink holds the port, which holds `local`, which may refer to the proxy: a leak.
        remote[Comlink.releaseProxy]();
        resolve();
      }),
    ),
    close: () => port.close(),
  };
}

/**
 * The port as comlink expects it. Comlink calls `addEventListener`, but for such a listener Node makes each message a
 * `MessageEvent`, for which Node 22 and newer load all of undici: that blocks the host's main loop for 70 to 95 ms. A listener
 * of `on` gets the bare message.
 */
function messagesOf(port: MessagePort): Comlink.Endpoint {
  const handlers = new Map<unknown, (data: unknown) => void>();
  const channel = {
    postMessage: (message: unknown, transfer: readonly MessagePort[] = []) =>
      port.postMessage(message, transfer),
    addEventListener(_type: 'message', listener: (event: { readonly data: unknown }) => void) {
      const handler = (data: unknown) => listener({ data });
      handlers.set(listener, handler);
      port.on('message', handler);
    },
    removeEventListener(_type: 'message', listener: unknown) {
      const handler = handlers.get(listener);
      if (handler === undefined) return;
      handlers.delete(listener);
      port.off('message', handler);
    },
  };
  // Comlink's types are the DOM's, which require more of an event than comlink uses.
  return channel as unknown as Comlink.Endpoint;
}
