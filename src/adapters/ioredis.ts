/**
 * `zeo-keepalive/ioredis`: keeps the connections of [ioredis](https://github.com/redis/ioredis) 5 and 6 alive.
 *
 * @module ioredis
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionSource } from '../model/connection-source.js';
import type { KeepAliveTarget } from '../model/target.js';
import { ConnectionSet } from './connection-set.js';
import { limitHandshake } from './handshake-limit.js';
import { mayTakeLong, mayWait, OpenTransaction } from './redis-commands.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal, SocketTarget } from './socket-target.js';

export type { AdapterOptions } from './socket-target.js';

/** A `Redis` of `ioredis`, by what is used of it. */
export interface IoredisClient extends EventEmitter {
  readonly status: string;
  ping(): Promise<unknown>;
}

/** A `Cluster` of `ioredis`, by what is used of it. */
export interface IoredisCluster extends EventEmitter {
  readonly isCluster: boolean;
  nodes(role: 'all'): readonly IoredisClient[];
}

interface Command {
  readonly name: string;
}

/** What a client has beside: in its types since version 5, except for `flushQueue`, which it has since 4. */
interface ClientInternals extends IoredisClient {
  readonly stream: Socket;
  readonly commandQueue: { readonly length: number; toArray(): readonly { readonly command: Command }[] };
  sendCommand(command: Command, stream?: unknown): unknown;
  flushQueue(error: Error, options: { readonly offlineQueue: boolean }): void;
}

/**
 * A client or a cluster, to be opened in the registry. A connection is pinged with `PING` while no transaction is open on it, and
 * no command out that blocks or may take long. Each node of a cluster is a target of its own, `cache/1`.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a client or cluster of `ioredis`
 *
 * @example
 * databases.open('cache', ioredisClient(new Redis()));
 */
export function ioredisClient(client: IoredisClient, options?: AdapterOptions): KeepAliveTarget;
export function ioredisClient(cluster: IoredisCluster, options?: AdapterOptions): ConnectionSource;
export function ioredisClient(
  client: IoredisClient | IoredisCluster,
  options: AdapterOptions = {},
): KeepAliveTarget | ConnectionSource {
  if (isCluster(client)) return clusterNodes(client, options);
  if (!isClient(client)) throw refusal('client', 'a Redis or Cluster of ioredis 5 or 6', client);
  adaptOnce('client', client, options);
  return targetOf(client, options);
}

function targetOf(client: ClientInternals, options: AdapterOptions): SocketTarget {
  const isInTransaction = watchTransactions(client);
  const target = new SocketTarget(
    {
      isBusy(isPinging) {
        if (!isPinging && isInTransaction()) return true;
        return client.commandQueue
          .toArray()
          .some(({ command: { name } }) => mayTakeLong.test(name) || (!isPinging && mayWait.test(name)));
      },
      ping: (settled) => void client.ping().then(settled, settled),
      // It would send them again on its next connection.
      failPending: (error) => client.flushQueue(error, { offlineQueue: false }),
      // Without a listener, it logs the error instead of throwing it.
      emitters: [],
    },
    options,
  );
  const isWaiting = () => client.status === 'connect' && client.commandQueue.length > 0;
  limitHandshake(client, { socket: () => client.stream, isWaiting, emitters: [] }, options.hangTimeout);
  if (client.status === 'ready') target.attach(client.stream);
  client.on('ready', () => target.attach(client.stream));
  client.once('end', () => target.end());
  return target;
}

function clusterNodes(cluster: IoredisCluster, options: AdapterOptions): ConnectionSource {
  adaptOnce('client', cluster, options);
  const nodes = new ConnectionSet();
  const add = (node: IoredisClient) => {
    if (isClient(node)) nodes.add(targetOf(node, options));
  };
  for (const node of cluster.nodes('all')) add(node);
  cluster.on('+node', add);
  cluster.once('end', () => nodes.emit('closed'));
  return nodes;
}

/** Returns whether a transaction is open. */
function watchTransactions(client: ClientInternals): () => boolean {
  const transaction = new OpenTransaction();
  const { sendCommand } = client;
  client.sendCommand = function (command, stream) {
    transaction.note(command.name);
    return sendCommand.call(this, command, stream);
  };
  client.on('close', () => transaction.end());
  return () => transaction.isOpen;
}

function isCluster(client: unknown): client is IoredisCluster {
  return hasMethods(client, 'on', 'once', 'nodes') && (client as Partial<IoredisCluster>).isCluster === true;
}

function isClient(client: unknown): client is ClientInternals {
  if (!hasMethods(client, 'on', 'once', 'ping', 'sendCommand', 'flushQueue')) return false;
  const { status, commandQueue } = client as Partial<ClientInternals>;
  return typeof status === 'string' && hasMethods(commandQueue, 'toArray');
}
