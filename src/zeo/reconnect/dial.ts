import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, formatAddress } from '../connection/address.js';
import { type Established, isHopeless } from './establish.js';
import type { ReconnectBackoff } from './reconnect-backoff.js';

export interface DialRequest {
  readonly addresses: readonly Address[];
  /** One attempt. Rejects when the address is of no use now; leaves nothing open then. */
  readonly attempt: (address: Address, signal: AbortSignal) => Promise<Established>;
  readonly backoffOf: (address: Address) => ReconnectBackoff;
  /** How many milliseconds an attempt has to keep off the others of this process at that address. */
  readonly paceMs: (address: Address) => number;
  /** Why there is no connection now, if one was lost. */
  readonly lastError: Error | undefined;
  /** An attempt will be made after `delayMs`, because of `error`. */
  readonly onRetry: (retry: { address: string; attempt: number; delayMs: number; error: Error }) => void;
  /** An attempt failed, and the last one at every other address failed in a way that will repeat, as this did. */
  readonly onHopeless: (error: Error) => void;
}

/**
 * Looks for a server for as long as it takes: every address is tried again and again, each at its own pace, and
 * the first that can serve wins (`ZEO/asyncio/client.py: ClientIO.try_connecting`).
 *
 * The timers between attempts hold the process.
 *
 * @param controller aborted by the winner, so that the other attempts end; whoever aborts it ends them all
 * @throws AggregateError once every address is given up, because the controller was aborted or by a fault of this process: why,
 *   for each of them
 */
export function dial(request: DialRequest, controller: AbortController): Promise<Established> {
  const { signal } = controller;
  // One for each address: no leak, of which Node would warn from the eleventh on.
  setMaxListeners(0, signal);
  const hopeless = new Set<Address>();

  const keepTrying = async (address: Address): Promise<Established> => {
    const backoff = request.backoffOf(address);
    let error = request.lastError;
    for (;;) {
      // Who was told of the first attempt at another address may have called it off.
      signal.throwIfAborted();
      const backoffMs = backoff.nextDelayMs(hopeless.has(address));
      // Not paced: the first attempt of a storage that is being opened, which is what its host waits for.
      if (error !== undefined) {
        // A place is taken when it is needed: one taken ahead of a backoff would hold up those that come before it.
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
          // In the same breath: the others must not win, too.
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

  // `any`: the losers reject with the winner's abort, before or after it resolves.
  return Promise.any(request.addresses.map(keepTrying));
}
