import type { MessagePort } from 'node:worker_threads';
import * as Comlink from 'comlink';

/** One end of the corridor between the threads: calls go out, calls come in, over the same port. */
export interface Endpoint<Remote> {
  /** Each call resolves when the other side answers. It never settles when the other side is gone: see `closed`. */
  readonly remote: Comlink.Remote<Remote>;
  /** Resolves when either side has closed the port, or its thread has ended. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Serves `local` on `port` and returns the way to the other side's object. */
export function connect<Remote>(port: MessagePort, local: object): Endpoint<Remote> {
  // Node's port is an EventTarget as comlink wants it; only the type declarations of the two differ.
  const channel = port as unknown as Comlink.Endpoint;
  Comlink.expose(local, channel);
  // Comlink hangs up when this proxy is garbage-collected, so whoever holds the endpoint keeps it.
  const remote = Comlink.wrap<Remote>(channel);
  return {
    remote,
    closed: new Promise((resolve) =>
      port.once('close', () => {
        // Until then comlink keeps the port, the port `local`, and that may lead back to the proxy: none would ever go.
        remote[Comlink.releaseProxy]();
        resolve();
      }),
    ),
    close: () => port.close(),
  };
}
