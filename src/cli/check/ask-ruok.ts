import { ClientDisconnected } from '../../model/errors.js';
import { type Address, formatAddress } from '../../zeo/connection/address.js';
import { openSocketReusingMemory } from '../../zeo/connection/socket.js';
import type { TlsOptions } from '../../zeo/connection/tls.js';
import { ruokReader, ruokRequest, type ServerStatus } from '../../zeo/protocol/ruok.js';

export interface RuokAnswer {
  readonly status: ServerStatus;
  /** From the request to its reply. */
  readonly roundTripMs: number;
}

/**
 * Asks a server `ruok`, which it answers without a registration and without touching a storage's data
 * (`ZEO/asyncio/server.py: ServerProtocol.finish_connect`).
 *
 * @throws ClientDisconnected, ProtocolError, or `signal.reason`
 */
export async function askRuok(
  address: Address,
  tls: TlsOptions | undefined,
  signal: AbortSignal,
): Promise<RuokAnswer> {
  const where = formatAddress(address);
  const { promise, resolve, reject } = withResolvers<RuokAnswer>();
  const reader = ruokReader();
  let askedMs = 0;
  const onChunk = (chunk: Uint8Array) => {
    try {
      reader.receive(chunk, (event) => {
        if (event.type === 'status')
          resolve({ status: event.status, roundTripMs: performance.now() - askedMs });
      });
    } catch (error) {
      reject(error);
    }
  };
  const socket = await openSocketReusingMemory(address, { tls }, onChunk, signal);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  const ask = () => {
    askedMs = performance.now();
    socket.write(ruokRequest());
  };
  if (tls === undefined) ask();
  else socket.on('secureConnect', ask);
  socket.on('error', (cause: NodeJS.ErrnoException) =>
    reject(
      new ClientDisconnected(`Cannot ask ${where}: ${cause.code ?? cause.message}`, {
        code: 'ERR_ZEO_CONNECT',
        cause,
      }),
    ),
  );
  socket.on('close', () => reject(new ClientDisconnected(`${where} closed the connection without a reply`)));
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** `Promise.withResolvers` of Node 22. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
