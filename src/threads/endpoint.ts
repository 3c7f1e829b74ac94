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
  /** Sends numbers beside the calls, for less CPU than a call takes. Does nothing once it is closed. */
  readonly send: (numbers: Uint32Array) => void;
  close(): void;
}

/**
 * Serves `local` on `port`, and returns the other side's object as `remote`. The port keeps its thread alive unless it is
 * unref'd afterwards.
 *
 * @param onNumbers called with what the other side sends beside the calls
 */
export function connect<Remote>(
  port: MessagePort,
  local: object,
  onNumbers: (numbers: Uint32Array) => void = () => {},
): Endpoint<Remote> {
  const channel = callsOn(port, onNumbers);
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
    send: (numbers) => port.postMessage(numbers),
    close: () => port.close(),
  };
}

/**
 * The port as comlink expects it, without the numbers. Comlink calls `addEventListener`, but for such a listener Node makes each
 * message a `MessageEvent`, for which Node 22 and newer load all of undici: that blocks the host's main loop for 70 to 95 ms. A
 * listener of `on` gets the bare message.
 */
function callsOn(port: MessagePort, onNumbers: (numbers: Uint32Array) => void): Comlink.Endpoint {
  type Listener = (event: { readonly data: unknown }) => void;
  const listeners = new Set<Listener>();
  port.on('message', (data: unknown) => {
    if (data instanceof Uint32Array) onNumbers(data);
    else for (const listener of listeners) listener({ data });
  });
  const channel = {
    postMessage: (message: unknown, transfer: readonly MessagePort[] = []) =>
      port.postMessage(message, transfer),
    addEventListener: (_type: 'message', listener: Listener) => void listeners.add(listener),
    removeEventListener: (_type: 'message', listener: Listener) => void listeners.delete(listener),
  };
  // Comlink's types are the DOM's, which require more of an event than comlink uses.
  return channel as unknown as Comlink.Endpoint;
}
