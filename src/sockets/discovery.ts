import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node publishes a socket here when it begins to connect. */
const channelName = 'net.client.socket';

/**
 * Reports every outgoing connection of this thread, whatever opens it, until it is disposed. Accepted sockets and those that
 * TLS wraps around another one do not connect, so one TCP connection is reported once.
 *
 * @param onConnect called before the socket begins to connect, and again when the same object reconnects; must not throw
 * @param socketClass returns Node's class of sockets. Not imported here, as it takes Node longer than all that `--import` needs.
 */
export function observeConnects(
  onConnect: (socket: Socket) => void,
  socketClass: () => typeof Socket,
): Disposable {
  return isChannelComplete(process.versions.node)
    ? subscribeConnects(onConnect)
    : wrapConnect(onConnect, socketClass());
}

/** In the order in which they began to connect. */
export type ConnectingSockets = readonly Socket[];

/** The same, for whoever is not there yet. Returns how to end it, which returns the sockets. */
export function noteConnects(): () => ConnectingSockets {
  const sockets: Socket[] = [];
  let discovery: Disposable | undefined;
  try {
    discovery = observeConnects(
      (socket) => sockets.push(socket),
      () => process.getBuiltinModule('node:net').Socket,
    );
  } catch {
    // The prototype is frozen. The agent finds the same, and logs it.
  }
  return () => {
    discovery?.[Symbol.dispose]();
    return sockets;
  };
}

/**
 * Whether the channel has all ways to connect. Up to 22.16 and 24.1 it has only those of `net.connect`, and neither
 * `new Socket().connect()`, which `pg` calls, nor `tls.connect` (nodejs/node#58349).
 *
 * By the version: to try it out would show other subscribers a socket that does not exist.
 */
export function isChannelComplete(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major === 22) return minor >= 17;
  return major === 24 ? minor >= 2 : major > 24;
}

export function subscribeConnects(onConnect: (socket: Socket) => void): Disposable {
  const listener = (message: unknown) => onConnect((message as { readonly socket: Socket }).socket);
  subscribe(channelName, listener);
  return { [Symbol.dispose]: () => void unsubscribe(channelName, listener) };
}

/** A function that others have put around another one, marked as the package `shimmer` and OpenTelemetry do. */
interface Shimmed {
  (this: Socket, ...args: unknown[]): Socket;
  readonly __original?: Shimmed;
  readonly __unwrap?: () => void;
  readonly __wrapped?: boolean;
}

const ours = new WeakSet<Shimmed>();

/**
 * The same by a wrapper around `Socket.prototype.connect`, which everything that connects goes through.
 *
 * Others wrap it, too. Where one of them has done so later, disposing leaves theirs in place, and this one below it only
 * passes the call on. Where one of them has done so before, they find their marks on this one, and can take away what is
 * theirs from below it.
 */
export function wrapConnect(onConnect: (socket: Socket) => void, { prototype }: typeof Socket): Disposable {
  let original = prototype.connect as Shimmed;
  let observe: ((socket: Socket) => void) | undefined = onConnect;
  function connect(this: Socket, ...args: unknown[]): Socket {
    observe?.(this);
    return Reflect.apply(original, this, args);
  }
  const unwrap = () => {
    if (ours.has(original)) original.__unwrap?.();
    else original = original.__original ?? original;
  };
  Object.defineProperties(connect, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
    __original: { get: () => original.__original },
    __wrapped: { get: () => original.__wrapped },
    __unwrap: { get: () => original.__unwrap && unwrap },
  });
  ours.add(connect);
  prototype.connect = connect as Socket['connect'];
  return {
    [Symbol.dispose]: () => {
      observe = undefined;
      // Not by an assignment, which throws where the prototype was frozen meanwhile: then this one stays, too.
      if (prototype.connect === connect) Reflect.set(prototype, 'connect', original);
    },
  };
}
