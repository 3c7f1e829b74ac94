/*
 * How a socket gets to one of the addresses of a name.
 *
 * Node tries them one after the other and gives each but the last 250 ms, however long the caller would wait: a server
 * that is farther away than that is never reached, if the address after it is dead. Here they are tried as RFC 8305 has
 * it: the next one begins when the last has failed or taken 250 ms, all go on, and the first that connects wins.
 */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6, type Socket } from 'node:net';
import { ClientDisconnected } from '../../model/errors.js';
import { type Address, formatAddress, type TcpAddress } from './address.js';

/** RFC 8305, section 5: the recommended Connection Attempt Delay. */
const attemptDelayMs = 250;
/** A name with more addresses than that is a mistake, or an attack on the sockets of this process. */
const maxAddresses = 16;

export interface ConnectRequest {
  /** Starts to connect to an address that needs no look-up; `name` is what it was looked up for. */
  readonly open: (address: Address, name: string | undefined) => Socket;
  /** Called when a phase begins, with its name. */
  readonly onPhase?: ((awaited: string) => void) | undefined;
  /** Default: the system's. */
  readonly lookUp?: LookUp;
}

/**
 * Resolves to a connected socket, of which nothing has been read yet; a TLS handshake is still to come, or has failed already
 * (`errored`).
 *
 * @throws ClientDisconnected `ERR_ZEO_CONNECT`; `signal.reason`. No socket is left open then.
 */
export async function connectTo(
  address: Address,
  { open, onPhase, lookUp = systemLookUp }: ConnectRequest,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const name = 'path' in address || isIP(address.host) !== 0 ? undefined : address.host;
  let candidates: readonly Address[] = [address];
  if (name !== undefined) {
    onPhase?.(`the look-up of ${name}`);
    candidates = await unlessAborted(resolveName(address as TcpAddress, lookUp), signal);
  }
  const several = candidates.length > 1 ? ` to any of its ${candidates.length} addresses` : '';
  onPhase?.(`the connection${several}`);
  return race(address, candidates, (candidate) => open(candidate, name), signal);
}

type LookUp = (host: string) => Promise<readonly string[]>;

/** With one look-up of a name at a time: while a resolver is silent, each attempt would otherwise leave one behind. */
export function shared(lookUp: LookUp): LookUp {
  const pending = new Map<string, ReturnType<LookUp>>();
  return (host) => {
    let found = pending.get(host);
    if (found === undefined) {
      found = lookUp(host).finally(() => pending.delete(host));
      pending.set(host, found);
    }
    return found;
  };
}

/** The addresses of a name, in the order of the system. */
const systemLookUp = shared(async (host) => {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
});

async function resolveName({ host, port }: TcpAddress, lookUp: LookUp): Promise<readonly TcpAddress[]> {
  let found: readonly string[];
  try {
    found = await lookUp(host);
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    throw new ClientDisconnected(`Cannot find the address of ${host}: ${cause.code ?? cause.message}`, {
      code: 'ERR_ZEO_CONNECT',
      cause,
    });
  }
  return alternateFamilies(found)
    .slice(0, maxAddresses)
    .map((ip) => ({ host: ip, port }));
}

/** Of each family in turn, so that one which leads nowhere does not hold up the other (RFC 8305, section 4). */
function alternateFamilies(ips: readonly string[]): readonly string[] {
  const [first] = ips;
  if (first === undefined) return ips;
  const preferred = ips.filter((ip) => isIPv6(ip) === isIPv6(first));
  const others = ips.filter((ip) => isIPv6(ip) !== isIPv6(first));
  return preferred
    .flatMap((ip, index) => [ip, ...others.slice(index, index + 1)])
    .concat(others.slice(preferred.length));
}

/** Outside of `race`, of which the socket would keep all for as long as it lives. */
const ignore = () => {};

function race(
  address: Address,
  candidates: readonly Address[],
  open: (candidate: Address) => Socket,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const waiting = [...candidates];
    const connecting = new Set<Socket>();
    const failures: [Address, NodeJS.ErrnoException][] = [];
    let timer: NodeJS.Timeout | undefined;

    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      for (const socket of connecting) socket.destroy();
    };
    const onAbort = () => {
      end();
      reject(signal.reason);
    };
    const tryNext = () => {
      clearTimeout(timer);
      const candidate = waiting.shift();
      if (candidate === undefined) return;
      if (waiting.length > 0) timer = setTimeout(tryNext, attemptDelayMs);
      const socket = open(candidate);
      connecting.add(socket);
      const onConnect = () => {
        connecting.delete(socket);
        // TLS may fail within this event: who gets the socket sees it by `errored`.
        socket.off('error', onError).on('error', ignore);
        end();
        resolve(socket);
      };
      const onError = (error: NodeJS.ErrnoException) => {
        connecting.delete(socket);
        socket.off('connect', onConnect);
        failures.push([candidate, error]);
        if (waiting.length > 0) tryNext();
        else if (connecting.size === 0) {
          end();
          reject(unreachable(address, failures));
        }
      };
      socket.once('connect', onConnect).once('error', onError);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    tryNext();
  });
}

function unreachable(
  address: Address,
  failures: readonly (readonly [Address, NodeJS.ErrnoException])[],
): ClientDisconnected {
  const reasons = failures.map(([candidate, error]) => {
    const reason = error.code ?? error.message;
    return failures.length > 1 && 'host' in candidate ? `${candidate.host} ${reason}` : reason;
  });
  return new ClientDisconnected(`Cannot connect to ${formatAddress(address)}: ${reasons.join(', ')}`, {
    code: 'ERR_ZEO_CONNECT',
    cause: failures.at(-1)?.[1],
  });
}

/** A promise that cannot be ended itself is left behind. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
