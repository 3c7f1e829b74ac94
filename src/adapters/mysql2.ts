/**
 * `zeo-keepalive/mysql2`: keeps the connections of [mysql2](https://sidorares.github.io/node-mysql2/) 2 and 3 alive.
 *
 * @module mysql2
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionSource } from '../model/connection-source.js';
import type { KeepAliveTarget } from '../model/target.js';
import { ConnectionSet } from './connection-set.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal, SocketTarget } from './socket-target.js';

export type { AdapterOptions } from './socket-target.js';

/** A `Pool` of `mysql2`, or of `mysql2/promise`, by what is used of it. */
export interface MysqlPool extends EventEmitter {
  getConnection(...callback: never[]): unknown;
}

/** A `Connection` of `mysql2`, or of `mysql2/promise`, by what is used of it. */
export interface MysqlConnection extends EventEmitter {
  ping(...callback: never[]): unknown;
}

/** What they have that is not in their documentation, since version 2. */
interface ConnectionInternals extends EventEmitter {
  readonly stream: Socket;
  /** `null` until the server has greeted the client. */
  readonly threadId: number | null;
  /** The one that runs. */
  readonly _command: unknown;
  readonly _commands: { readonly length: number };
  ping(callback: (error?: { readonly fatal?: boolean } | null) => void): unknown;
}
interface PoolInternals extends EventEmitter {
  readonly _closed: boolean;
  readonly _allConnections: { toArray(): readonly ConnectionInternals[] };
  readonly _freeConnections: { toArray(): readonly ConnectionInternals[] };
}

/**
 * The connections of a pool, to be opened in the registry. Each is a target of its own, `orders/1`, and is pinged with `COM_PING`
 * while it is free.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a pool of `mysql2` that has not ended
 *
 * @example
 * databases.open('orders', mysqlPool(mysql.createPool({ host: 'db.example.org' })));
 */
export function mysqlPool(pool: MysqlPool, options: AdapterOptions = {}): ConnectionSource {
  const core = (pool as { readonly pool?: unknown } | undefined)?.pool ?? pool;
  if (!isPool(core)) throw refusal('pool', 'a Pool of mysql2', pool);
  if (core._closed) throw refusal('pool', 'a Pool that has not ended', pool);
  adaptOnce('pool', core, options);
  const [all, free] = [core._allConnections.toArray(), core._freeConnections.toArray()];
  const inUse = new WeakSet(all.filter((connection) => !free.includes(connection)));
  const connections = new ConnectionSet();
  const add = (connection: ConnectionInternals) => {
    const target = targetOf(connection, options, () => inUse.has(connection));
    connections.add(target);
    target.once('closed', () => {
      if (core._closed && connections.isEmpty) connections.emit('closed');
    });
  };
  // One that is being made is reported later.
  for (const connection of all) if (connection.threadId !== null) add(connection);
  core.on('connection', add);
  core.on('acquire', (connection: ConnectionInternals) => inUse.add(connection));
  core.on('release', (connection: ConnectionInternals) => inUse.delete(connection));
  return connections;
}

/**
 * A connection that is not in a pool, to be opened in the registry. It is pinged with `COM_PING` while it runs no command.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a connection of `mysql2` that is not closed
 */
export function mysqlConnection(connection: MysqlConnection, options: AdapterOptions = {}): KeepAliveTarget {
  const core = (connection as { readonly connection?: unknown } | undefined)?.connection ?? connection;
  if (!isConnection(core)) throw refusal('connection', 'a Connection of mysql2', connection);
  if (core.stream.destroyed) throw refusal('connection', 'a Connection that is not closed', connection);
  adaptOnce('connection', core, options);
  return targetOf(core, options);
}

/** @param isCheckedOut of one in a pool; without a pool, it is in use while it runs a command */
function targetOf(connection: ConnectionInternals, options: AdapterOptions, isCheckedOut?: () => boolean) {
  const hasCommands = () => connection._commands.length > 0;
  const isInUse = isCheckedOut ?? (() => Boolean(connection._command) || hasCommands());
  const ping = (settled: () => void) =>
    connection.ping((error) => {
      // Without a ping it would report its loss as an error of its own, not as that of a command.
      if (error?.fatal && !isCheckedOut && !hasCommands()) connection.emit('error', error);
      settled();
    });
  // What is asked while a ping is out is sent after its answer.
  const isBusy = (isPinging: boolean) => !isPinging && isInUse();
  const target = new SocketTarget({ isBusy, ping, emitters: [connection] }, options);
  const attach = () => target.attach(connection.stream);
  // Also that of one that could not be made.
  connection.stream.once('close', () => target.end());
  if (connection.threadId === null) connection.once('connect', attach);
  else attach();
  return target;
}

function isPool(pool: unknown): pool is PoolInternals {
  if (!hasMethods(pool, 'on', 'getConnection')) return false;
  const { _allConnections, _freeConnections, _closed } = pool as Partial<PoolInternals>;
  const lists = [_allConnections, _freeConnections];
  return _closed !== undefined && lists.every((list) => hasMethods(list, 'toArray'));
}

function isConnection(connection: unknown): connection is ConnectionInternals {
  if (!hasMethods(connection, 'on', 'once', 'ping')) return false;
  const { stream, threadId, _commands } = connection as Partial<ConnectionInternals>;
  return hasMethods(stream, 'destroy', 'setKeepAlive') && threadId !== undefined && _commands !== undefined;
}
