import { type ClientStorageOptions, resolveClientOptions } from '../../zeo/connection/options.js';
import { ClientStorage } from '../../zeo/storage/client-storage.js';

export interface Probed {
  /** The server that answered. */
  readonly address: string;
  /** From the first packet to the end of the registration. */
  readonly connectMs: number;
  /** Of one ping over that connection. */
  readonly roundTripMs: number;
  /** What the server says of the storage. */
  readonly status: { readonly [name: string]: unknown };
}

/**
 * Connects to a storage as its clients do, registers, pings once, asks for its status, and closes. Does not wait for a server that refuses: it
 * rejects once each of the servers has failed.
 *
 * @throws the error of the last server, or `signal.reason`
 */
export async function probe(options: ClientStorageOptions, signal: AbortSignal): Promise<Probed> {
  const startedMs = performance.now();
  await using storage = await ClientStorage.open({ ...options, wait: false });
  const address = await firstConnection(storage, resolveClientOptions(options).addresses.length, signal);
  const connectedMs = performance.now();
  await storage.ping(signal);
  const roundTripMs = performance.now() - connectedMs;
  const status = await storage.serverStatus(signal);
  return { address, connectMs: connectedMs - startedMs, roundTripMs, status };
}

function firstConnection(storage: ClientStorage, servers: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = new Set<string>();
    storage.once('connected', ({ address }) => resolve(address));
    // Emitted before the next attempt, so the present one has failed.
    storage.on('reconnecting', ({ address, error }) => {
      failed.add(address);
      if (failed.size >= servers) reject(error);
    });
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
