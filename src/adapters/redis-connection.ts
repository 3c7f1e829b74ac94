/* The connection of one client of `redis`. */
import { type EventEmitter, errorMonitor } from 'node:events';
import { Socket } from 'node:net';
import { limitHandshake } from './handshake-limit.js';
import { type CommandQueue, SentCommands } from './redis-commands.js';
import { type AdapterOptions, hasMethods, SocketTarget } from './socket-target.js';

/** A client of `redis`, by what is used of it. */
export interface RedisClient extends EventEmitter {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  ping(): Promise<unknown>;
  ref(): void;
  unref(): void;
}

/** What it has that is not in its documentation, since version 5.11. */
export interface RedisConnection extends RedisClient {
  _getQueue(): CommandQueue;
}

/** @param others that emit `error` when the client does */
export function targetOfClient(
  client: RedisConnection,
  options: AdapterOptions,
  ...others: readonly EventEmitter[]
): SocketTarget {
  const commands = new SentCommands(client._getQueue());
  const target = new SocketTarget(
    {
      isBusy: (isPinging) => (isPinging ? commands.holdsUpEarlier : commands.keepsFromPinging),
      ping: (settled) => void client.ping().then(settled, settled),
      emitters: [client, ...others],
    },
    options,
  );
  const attach = () => {
    const socket = socketOf(client);
    if (socket === undefined) return;
    target.attach(socket);
    socket.once('close', () => {
      commands.connectionClosed();
      // Maintenance of Redis Enterprise moves a client to another socket while it stays ready.
      if (client.isReady) attach();
    });
  };
  const handshake = {
    socket: () => socketOf(client),
    isWaiting: () => client.isOpen && !client.isReady && !client._getQueue().isEmpty(),
    emitters: [client, ...others],
  };
  limitHandshake(client, handshake, options.hangTimeout);
  if (client.isReady) attach();
  client.on('ready', attach);
  client.once('end', () => target.end());
  // It does not end, but gives up, when its reconnectStrategy says so.
  client.on(errorMonitor, () => {
    if (!client.isOpen && target.generation > 0) target.end();
  });
  return target;
}

/** The socket that a client uses now. It keeps it to itself, but hands `ref()` on to it, at once. */
function socketOf(client: RedisConnection): Socket | undefined {
  const { ref } = Socket.prototype;
  let socket: Socket | undefined;
  Socket.prototype.ref = function (this: Socket) {
    socket = this;
    return this;
  };
  try {
    client.ref();
  } finally {
    Socket.prototype.ref = ref;
  }
  // Its next socket would keep the process alive, unlike this one.
  if (socket !== undefined && !keepsProcessAlive(socket)) client.unref();
  return socket;
}

interface Handle {
  /** Below TLS. */
  readonly _parent?: Handle | undefined;
  hasRef?(): boolean;
}

function keepsProcessAlive(socket: Socket): boolean {
  const handle = (socket as { readonly _handle?: Handle | null })._handle;
  return (handle?._parent ?? handle)?.hasRef?.() ?? true;
}

export function isRedisConnection(client: unknown): client is RedisConnection {
  if (!hasMethods(client, 'on', 'once', 'ping', 'ref', 'unref', '_getQueue')) return false;
  const queue = (client as RedisConnection)._getQueue();
  return hasMethods(queue, 'isEmpty', 'addCommand', 'monitor', 'reset');
}
