import type { MessagePort } from 'node:worker_threads';
import * as Comlink from 'comlink';

/** One end of the corridor between the threads: calls go out, calls come in, over the same port. */
export interface Endpoint<Remote> {
  /**
   * Each call resolves when the other side answers, or rejects with what it threw: of an error come name, message and
   * stack. It never settles when the other side is gone: see `closed`.
   */
  readonly remote: Comlink.Remote<Remote>;
  /** Resolves when either side has closed the port, or its thread has ended. From then on calls throw. */
  readonly closed: Promise<void>;
  close(): void;
}

/**
 * Serves `local` on `port` and returns the way to the other side's object. The port then holds its thread, unless it is
 * unref'd afterwards.
 */
export function connect<Remote>(port: MessagePort, local: object): Endpoint<Remote> {
  const channel = messagesOf(port);
  Comlink.expose(local, channel);
  const remote = Comlink.wrap<Remote>(channel);
  return {
    remote,
    closed: new Promise((resolve) =>
      // This listener also keeps the proxy: comlink hangs up when it is garbage-collected.
      port.once('close', () => {
        // Until then comlink keeps the port, the port `local`, and that may lead back to the proxy: none would ever go.
        remote[Comlink.releaseProxy]();
        resolve();
      }),
    ),
    close: () => port.close(),
  };
}

/**
 * The port as comlink wants it. Comlink calls `addEventListener`, but a port that has such a listener makes each message
 * a `MessageEvent`, for which Node 22 and newer load all of undici: 70 to 95 ms in which the host's main loop stands
 * still. `on` hands over the bare message.
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
  // The DOM's types, which comlink's are, want more of an event than comlink does.
  return channel as unknown as Comlink.Endpoint;
}
