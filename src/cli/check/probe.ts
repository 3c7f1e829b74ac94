import { withDeadline } from '../../async/deadline.js';
import { ClientDisconnected } from '../../model/errors.js';
import { type ClientStorageOptions, resolveClientOptions } from '../../zeo/connection/options.js';
import { lateness } from '../../zeo/connection/socket.js';
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
 * Connects to a storage as its clients do, registers, pings once, asks for its status, and closes. Does not wait for a server
 * that refuses: it rejects once each of the servers has failed.
 *
 * @param timeoutMs for connecting and registering, of which an error says how far it has come; what they leave, but at least a
 *   tenth of it, is for the ping and the status
 * @throws the error of the last server; ClientDisconnected if the ping or the status is not answered in time
 */
export async function probe(options: ClientStorageOptions, timeoutMs: number): Promise<Probed> {
  const startedMs = performance.now();
  const connectTimeout = timeoutMs / 1000;
  await using storage = await ClientStorage.open({ ...options, connectTimeout, wait: false });
  const address = await firstConnection(storage, resolveClientOptions(options).addresses.length);
  const connectedMs = performance.now();
  const connectMs = connectedMs - startedMs;
  const leftMs = Math.max(timeoutMs - connectMs, timeoutMs / 10);
  let phase = 'the ping';
  const late = () => new ClientDisconnected(`Cannot ask ${address}: ${lateness(phase, leftMs, {})}`);
  return await withDeadline(leftMs, late, [], async (signal) => {
    await storage.ping(signal);
    const roundTripMs = performance.now() - connectedMs;
    phase = 'server_status';
    const status = await storage.serverStatus(signal);
    return { address, connectMs, roundTripMs, status };
  });
}

function firstConnection(storage: ClientStorage, servers: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = new Set<string>();
    storage.once('connected', ({ address }) => resolve(address));
    // Emitted before the next attempt, so the present one has failed.
    storage.on('reconnecting', ({ address, error }) => {
      failed.add(address);
      if (failed.size >= servers) reject(error);
    });
  });
}
