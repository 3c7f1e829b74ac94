import { withDeadline } from '../../async/deadline.js';
import { ClientDisconnected } from '../../model/errors.js';
import { type Address, formatAddress } from '../../zeo/connection/address.js';
import {
  closeReason,
  lateness,
  openSocketReusingMemory,
  type SocketOptions,
} from '../../zeo/connection/socket.js';
import { ruokReader, ruokRequest, type ServerStatus } from '../../zeo/protocol/ruok.js';

export interface RuokAnswer {
  readonly status: ServerStatus;
  /** From the request to its reply. */
  readonly roundTripMs: number;
}

export interface RuokRequest extends Pick<SocketOptions, 'tls'> {
  /** From the look-up to the reply. */
  readonly timeoutMs: number;
}

/**
 * Asks a server `ruok`, which it answers without a registration and without touching a storage's data
 * (`ZEO/asyncio/server.py: ServerProtocol.finish_connect`).
 *
 * @throws ClientDisconnected, also if a phase takes too long, which it names; ProtocolError; `signal.reason`
 */
export function askRuok(
  address: Address,
  { tls, timeoutMs }: RuokRequest,
  signal: AbortSignal,
): Promise<RuokAnswer> {
  const where = formatAddress(address);
  let phase = '';
  const onPhase = (begun: string) => {
    phase = begun;
  };
  const late = () =>
    new ClientDisconnected(`Cannot ask ${where}: ${lateness(phase, timeoutMs, { tls })}`, {
      code: 'ERR_ZEO_CONNECT',
    });
  return withDeadline(timeoutMs, late, [signal], (signal) => ask(address, { tls, onPhase }, signal));
}

async function ask(
  address: Address,
  options: Pick<SocketOptions, 'tls'> & Required<Pick<SocketOptions, 'onPhase'>>,
  signal: AbortSignal,
): Promise<RuokAnswer> {
  const where = formatAddress(address);
  const { promise, resolve, reject } = withResolvers<RuokAnswer>();
  const reader = ruokReader();
  let askedMs = 0;
  let isSilent = true;
  const onChunk = (chunk: Uint8Array) => {
    isSilent = false;
    try {
      reader.receive(chunk, (event) => {
        if (event.type === 'handshake') options.onPhase('the reply to ruok');
        else resolve({ status: event.status, roundTripMs: performance.now() - askedMs });
      });
    } catch (error) {
      reject(error);
    }
  };
  const socket = await openSocketReusingMemory(address, options, onChunk, signal);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  const write = () => {
    askedMs = performance.now();
    socket.write(ruokRequest());
  };
  if (options.tls === undefined) write();
  else socket.on('secureConnect', write);
  socket.on('error', (cause: NodeJS.ErrnoException) =>
    reject(
      new ClientDisconnected(`Cannot ask ${where}: ${cause.code ?? cause.message}`, {
        code: 'ERR_ZEO_CONNECT',
        cause,
      }),
    ),
  );
  socket.on('close', () =>
    reject(new ClientDisconnected(`Cannot ask ${where}: ${closeReason(socket, isSilent)}`)),
  );
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
