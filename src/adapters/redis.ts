/**
 * `zeo-keepalive/redis`: keeps the connections of [node-redis](https://github.com/redis/node-redis) 5 and 6 alive.
 *
 * @module redis
 */
import type { EventEmitter } from 'node:events';
import type { ConnectionSource } from '../model/connection-source.js';
import type { KeepAliveTarget } from '../model/target.js';
import { ConnectionSet } from './connection-set.js';
import {
  isRedisConnection,
  type RedisClient,
  type RedisConnection,
  targetOfClient,
} from './redis-connection.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal } from './socket-target.js';

export type { RedisClient } from './redis-connection.js';
export type { AdapterOptions } from './socket-target.js';

/** A pool of `redis`, by what is used of it. */
export interface RedisPool extends EventEmitter {
  readonly isOpen: boolean;
  execute(...task: never[]): Promise<unknown>;
}

/** A cluster of `redis`, by what is used of it. */
export interface RedisCluster extends EventEmitter {
  readonly nodeByAddress: ReadonlyMap<string, RedisNode>;
  readonly pubSubNode: RedisNode | undefined;
}

/** A node of a cluster, by what is used of it. */
export interface RedisNode {
  readonly client?: RedisClient | undefined;
  readonly pubSub?: { readonly client: RedisClient } | undefined;
}

/** What `withTypeMapping()` and the like return is derived from the pool itself, which is not in its documentation. */
interface PoolInternals extends RedisPool {
  readonly _self: { execute: Execute };
}
type Execute = (task: (client: RedisConnection) => unknown) => Promise<unknown>;

/**
 * A client, a pool or a cluster, to be opened in the registry. A connection is pinged with `PING` while no transaction is
 * open on it, and no command out that blocks or may take long. Each client of a pool or of a cluster is a target of its own, `cache/1`.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a client, pool or cluster of `redis`
 *
 * @example
 * databases.open('cache', redisClient(createClient()));
 */
export function redisClient(client: RedisClient, options?: AdapterOptions): KeepAliveTarget;
export function redisClient(group: RedisPool | RedisCluster, options?: AdapterOptions): ConnectionSource;
export function redisClient(
  client: RedisClient | RedisPool | RedisCluster,
  options: AdapterOptions = {},
): KeepAliveTarget | ConnectionSource {
  const isConnection = isRedisConnection(client);
  if (!isConnection && !isPool(client) && !isCluster(client))
    throw refusal('client', 'a client, pool or cluster of redis 5.11 or newer, not a sentinel', client);
  // What withTypeMapping() and the like return is derived from the same.
  adaptOnce('client', '_self' in client ? (client._self as object) : client, options);
  if (isConnection) return targetOfClient(client, options);
  return isPool(client) ? clientsOf(client, options) : nodesOf(client, options);
}

/** The clients of a pool, each from its first task on, to which the pool passes it. */
function clientsOf(pool: PoolInternals, options: AdapterOptions): ConnectionSource {
  const clients = new ConnectionSet();
  const known = new WeakSet<RedisConnection>();
  const add = (client: RedisConnection) => {
    if (known.has(client) || !isRedisConnection(client)) return;
    known.add(client);
    const target = targetOfClient(client, options, pool);
    clients.add(target);
    // A pool that is closed says so after its last client.
    target.once('closed', () => setImmediate(checkPool));
  };
  const checkPool = () => {
    if (!pool.isOpen && clients.isEmpty) clients.emit('closed');
  };
  const { execute } = pool._self;
  pool._self.execute = function (task) {
    return execute.call(this, (client) => {
      add(client);
      return task(client);
    });
  };
  return clients;
}

/** The clients of the nodes of a cluster, those for subscriptions included. */
function nodesOf(cluster: RedisCluster, options: AdapterOptions): ConnectionSource {
  const clients = new ConnectionSet();
  const known = new WeakSet<RedisClient>();
  const addNew = () => {
    const { nodeByAddress, pubSubNode } = cluster;
    for (const node of [...nodeByAddress.values(), pubSubNode])
      for (const client of [node?.client, node?.pubSub?.client]) {
        if (client === undefined || known.has(client) || !isRedisConnection(client)) continue;
        known.add(client);
        clients.add(targetOfClient(client, options));
      }
  };
  addNew();
  cluster.on('node-ready', addNew);
  cluster.once('disconnect', () => clients.emit('closed'));
  return clients;
}

function isPool(client: unknown): client is PoolInternals {
  return hasMethods(client, 'on', 'execute') && hasMethods((client as PoolInternals)._self, 'execute');
}

function isCluster(client: unknown): client is RedisCluster {
  return hasMethods(client, 'on', 'nodeClient') && (client as RedisCluster).nodeByAddress instanceof Map;
}
