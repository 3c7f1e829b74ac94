/**
 * `zeo-keepalive/nats`: keeps the connections of [NATS](https://github.com/nats-io/nats.js) alive, those of `nats` 2 and of
 * `@nats-io/transport-node` 3.
 *
 * @module nats
 */
import type { Socket } from 'node:net';
import type { KeepAliveTarget } from '../model/target.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal, SocketTarget } from './socket-target.js';

export type { AdapterOptions } from './socket-target.js';

/** A `NatsConnection`, by what is used of it. */
export interface NatsConnection {
  flush(): Promise<void>;
  closed(): Promise<unknown>;
  isClosed(): boolean;
  status(): AsyncIterable<{ readonly type: string }>;
}

/** What it has that is not in its types, since `nats` 2.0. */
interface ConnectionInternals extends NatsConnection {
  readonly protocol: {
    readonly connected: boolean;
    /** There is no socket while it connects, and one of another kind over WebSocket. */
    readonly transport: { readonly socket?: Socket };
    readonly pongs: readonly { reject(error: Error): void }[];
    readonly muxSubscriptions: { readonly reqs: ReadonlyMap<string, { cancel(error: Error): void }> };
  };
}

/**
 * A connection, to be opened in the registry. It is pinged with `PING`, at any time.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a NATS connection over TCP or TLS that is not closed
 *
 * @example
 * databases.open('events', natsConnection(await connect({ servers: 'nats.example.org' })));
 */
export function natsConnection(connection: NatsConnection, options: AdapterOptions = {}): KeepAliveTarget {
  if (!isConnection(connection))
    throw refusal('connection', 'a connection of NATS, over TCP or TLS', connection);
  if (connection.isClosed()) throw refusal('connection', 'a connection that is not closed', connection);
  adaptOnce('connection', connection, options);
  const { protocol } = connection;
  const target = new SocketTarget(
    {
      isBusy: () => false,
      ping: (settled) => void connection.flush().then(settled, settled),
      // It would fail those that flush when it connects again, and leave requests to their time limits.
      failPending(error) {
        for (const pong of protocol.pongs) pong.reject(error);
        for (const request of [...protocol.muxSubscriptions.reqs.values()]) request.cancel(error);
      },
      // The connection listens for errors by itself.
      emitters: [],
    },
    options,
  );
  const attach = () => {
    const { socket } = protocol.transport;
    if (protocol.connected && hasMethods(socket, 'destroy', 'setKeepAlive')) target.attach(socket);
  };
  attach();
  void follow(connection, {
    reconnect: attach,
    // It may have removed the listeners of the socket before it closed that.
    disconnect() {
      target.lostAt ??= performance.now();
    },
  });
  void connection.closed().then(() => target.end());
  return target;
}

/** Calls back for each change of its status, until it is closed. */
async function follow(connection: NatsConnection, on: Readonly<Record<string, () => void>>): Promise<void> {
  for await (const { type } of connection.status()) on[type]?.();
}

function isConnection(connection: unknown): connection is ConnectionInternals {
  if (!hasMethods(connection, 'flush', 'closed', 'isClosed', 'status')) return false;
  const { connected, transport, pongs, muxSubscriptions } =
    (connection as Partial<ConnectionInternals>).protocol ?? {};
  if (typeof connected !== 'boolean' || !Array.isArray(pongs) || !(muxSubscriptions?.reqs instanceof Map))
    return false;
  return !connected || hasMethods(transport?.socket, 'destroy', 'setKeepAlive');
}
