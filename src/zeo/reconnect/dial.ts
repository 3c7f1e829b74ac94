import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, formatAddress } from '../connection/address.js';
import { type Established, isHopeless } from './establish.js';
import type { ReconnectBackoff } from './reconnect-backoff.js';

export interface DialRequest {
  readonly addresses: readonly Address[];
  /** One attempt. Rejects if no usable connection was made, and leaves nothing open then. */
  readonly attempt: (address: Address, signal: AbortSignal) => Promise<Established>;
  readonly backoffOf: (address: Address) => ReconnectBackoff;
  /** How long, in milliseconds, an attempt has to wait for its turn among this process's attempts at that address. */
  readonly paceMs: (address: Address) => number;
  /** Why the previous connection was lost, if there was one. */
  readonly lastError: Error | undefined;
  /** The next attempt at an address starts after `delayMs`; `error` is why it is needed. */
  readonly onRetry: (retry: { address: string; attempt: number; delayMs: number; error: Error }) => void;
  /** The last attempt at every address failed in a way that will most likely repeat ({@link isHopeless}). */
  readonly onHopeless: (error: Error) => void;
}

/**
 * Looks for a server for as long as it takes: every address is tried repeatedly, each at its own pace, and the first
 * usable connection wins (`ZEO/asyncio/client.py: ClientIO.try_connecting`).
 *
 * The timers between attempts keep the process alive.
 *
 * @param controller aborting it ends all attempts; the winner does so to end the others
 * @throws AggregateError with one reason for each address, once all were given up: because the controller was aborted, or
 *   through a fault of this process
 */
export function dial(request: DialRequest, controller: AbortController): Promise<Established> {
  const { signal } = controller;
  // One listener for each address is not a leak, but Node would warn of more than ten.
  setMaxListeners(0, signal);
  const hopeless = new Set<Address>();

  const keepTrying = async (address: Address): Promise<Established> => {
    const backoff = request.backoffOf(address);
    let error = request.lastError;
    for (;;) {
      // An `onRetry` listener of another address may have aborted the search.
      signal.throwIfAborted();
      const backoffMs = backoff.nextDelayMs(hopeless.has(address));
      // The first attempt of a storage that is being opened is not paced: its caller waits for it.
      if (error !== undefined) {
        // The turn is taken after the backoff: taken before, it would delay attempts that could start earlier.
        const delayMs = backoffMs > 0 ? backoffMs : request.paceMs(address);
        request.onRetry({ address: formatAddress(address), attempt: backoff.attempts, delayMs, error });
        if (delayMs > 0) await sleep(delayMs, undefined, { signal });
        const paceMs = backoffMs > 0 ? request.paceMs(address) : 0;
        if (paceMs > 0) await sleep(paceMs, undefined, { signal });
      }
      signal.throwIfAborted();
      try {
        const established = await request.attempt(address, signal);
        if (!signal.aborted) {
          // Synchronously, so that no other attempt can win as well.
          controller.abort();
          return established;
        }
        established.connection.destroy(signal.reason as Error);
      } catch (failure) {
        error = failure as Error;
      }
      signal.throwIfAborted();
      if (error !== undefined && isHopeless(error)) hopeless.add(address);
      else hopeless.delete(address);
      if (hopeless.size === request.addresses.length) request.onHopeless(error as Error);
    }
  };

  // `any`, not `race`: the losers reject when the winner aborts them, possibly before it resolves.
  return Promise.any(request.addresses.map(keepTrying));
}
