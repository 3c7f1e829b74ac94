/**
 * `zeo-keepalive/pg`: keeps the connections of [node-postgres](https://node-postgres.com) 8 alive.
 *
 * @module pg
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionSource } from '../model/connection-source.js';
import type { KeepAliveTarget } from '../model/target.js';
import { ConnectionSet } from './connection-set.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal, SocketTarget } from './socket-target.js';

export type { AdapterOptions } from './socket-target.js';

/** A `Client` of `pg`, by what is used of it. */
export interface PgClient extends EventEmitter {
  query(text: string, callback: (error: Error) => void): unknown;
}

/** A `Pool` of `pg`, by what is used of it. */
export interface PgPool extends EventEmitter {
  readonly totalCount: number;
  readonly ended: boolean;
  readonly ending: boolean;
}

/** What they have that is not in their documentation, since pg 7 and pg-pool 2. */
interface ClientInternals extends PgClient {
  readonly connection: { readonly stream: Socket };
  /** `null` until the server has accepted the client. */
  readonly processID: number | null;
  /** `false` while a query runs. */
  readonly readyForQuery: boolean;
  /** `I` outside of a transaction; absent in older versions of 8. */
  getTransactionStatus?(): string | null;
}
interface PoolInternals extends PgPool {
  readonly _clients: readonly ClientInternals[];
  readonly _idle: readonly { readonly client: ClientInternals }[];
}

/**
 * The connections of a pool, to be opened in the registry. Each is a target of its own, `orders/1`, and is pinged with an empty
 * query while it is checked in.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a pool of `pg` that has not ended
 *
 * @example
 * databases.open('orders', pgPool(new pg.Pool()));
 */
export function pgPool(pool: PgPool, options: AdapterOptions = {}): ConnectionSource {
  if (!hasMethods(pool, 'on', 'connect', 'query') || typeof pool.totalCount !== 'number')
    throw refusal('pool', 'a Pool of pg', pool);
  if (pool.ending || pool.ended) throw refusal('pool', 'a Pool that has not ended', pool);
  const { _clients: present, _idle: idle } = pool as PoolInternals;
  if (pool.totalCount > 0 && !(Array.isArray(present) && Array.isArray(idle) && present.every(isClient)))
    throw refusal('pool', 'a Pool of pg 8, or one without connections yet', pool);
  adaptOnce('pool', pool, options);
  const connections = new ConnectionSet();
  const inUse = new WeakSet<PgClient>();
  const add = (client: ClientInternals) => {
    const target = targetOf(client, () => inUse.has(client), options, pool);
    target.attach(client.connection.stream);
    client.once('end', () => {
      target.end();
      if (pool.ending && connections.isEmpty) connections.emit('closed');
    });
    connections.add(target);
  };
  for (const client of present) {
    if (!idle.some((item) => item.client === client)) inUse.add(client);
    // One that is being made is reported later.
    if (client.processID !== null) add(client);
  }
  pool.on('connect', (client: PgClient) => {
    if (isClient(client)) add(client);
    else process.emitWarning('A connection of a pg Pool is not kept alive: it has no socket (pg-native)');
  });
  pool.on('acquire', (client: PgClient) => inUse.add(client));
  pool.on('release', (_error: unknown, client: PgClient) => inUse.delete(client));
  return connections;
}

/**
 * The connection of a client that is not in a pool, to be opened in the registry. It is pinged with an empty query while no query
 * runs and no transaction is open.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a client of `pg` that has not ended
 */
export function pgClient(client: PgClient, options: AdapterOptions = {}): KeepAliveTarget {
  if (!isClient(client))
    throw refusal('client', 'a Client of pg, not of pg-native (pgPool takes a Pool)', client);
  if (client.connection.stream.destroyed) throw refusal('client', 'a Client that has not ended', client);
  adaptOnce('client', client, options);
  const isInUse = () => client.readyForQuery !== true || (client.getTransactionStatus?.() ?? 'I') !== 'I';
  const target = targetOf(client, isInUse, options);
  const attach = () => target.attach(client.connection.stream);
  if (client.processID === null) client.once('connect', attach);
  else attach();
  client.once('end', () => target.end());
  return target;
}

function targetOf(client: PgClient, isInUse: () => boolean, options: AdapterOptions, pool?: PgPool) {
  return new SocketTarget(
    {
      // What is asked while a ping is out is sent after its answer.
      isBusy: (isPinging) => !isPinging && isInUse(),
      // Not SELECT 1: it is an error in an aborted transaction, and begins the snapshot of one that was just opened.
      ping: (settled) => void client.query('', settled),
      emitters: pool === undefined ? [client] : [client, pool],
    },
    options,
  );
}

function isClient(client: unknown): client is ClientInternals {
  if (!hasMethods(client, 'query', 'on', 'once')) return false;
  const { connection, processID } = client as Partial<ClientInternals>;
  return hasMethods(connection?.stream, 'destroy', 'setKeepAlive') && processID !== undefined;
}
