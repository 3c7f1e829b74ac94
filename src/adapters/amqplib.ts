/**
 * `zeo-keepalive/amqplib`: keeps the connections of [amqplib](https://github.com/amqp-node/amqplib) alive.
 *
 * @module amqplib
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { KeepAliveTarget } from '../model/target.js';
import { type ChannelCalls, rejectWith } from './amqplib-calls.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal, SocketTarget } from './socket-target.js';

export type { AdapterOptions } from './socket-target.js';

/** A connection of `amqplib`, of its promise or its callback API, by what is used of it. */
export interface AmqpConnection extends EventEmitter {
  createChannel(...args: never[]): unknown;
}

interface Channel extends EventEmitter {
  prefetch(count: number, global: boolean, callback: () => void): unknown;
}

/** What it has beside, since version 0.5 (`blocked`: 1.0); only `connection` is in its types. */
interface ConnectionInternals extends AmqpConnection {
  createChannel(callback: (error: Error | null, channel: Channel) => void): unknown;
  readonly connection: {
    readonly stream: Socket;
    readonly channels: readonly ({ readonly channel: ChannelCalls } | null)[];
    /** How many there may be beside that of the connection itself. */
    readonly channelMax: number;
    readonly blocked?: boolean;
  };
}

/**
 * A connection, to be opened in the registry. It is pinged by `prefetch(0)` on a channel that is opened for it; not while the
 * server blocks the connection, because it then reads nothing of what it gets.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a connection of `amqplib` that is open
 *
 * @example
 * databases.open('broker', amqpConnection(await amqplib.connect('amqp://broker.example.org')));
 */
export function amqpConnection(connection: AmqpConnection, options: AdapterOptions = {}): KeepAliveTarget {
  if (!isConnection(connection))
    throw refusal('connection', 'a connection of amqplib without recovery', connection);
  const { stream, channels, channelMax, blocked = false } = connection.connection;
  if (!stream.writable) throw refusal('connection', 'a connection that is not closed', connection);
  adaptOnce('connection', connection, options);
  let isBlocked = blocked;
  let channel: Channel | undefined;
  let hasWarned = false;
  const isFull = () => {
    if (channel !== undefined || channels.filter(Boolean).length <= channelMax) return false;
    if (!hasWarned) process.emitWarning('An amqplib connection is not pinged: it has no channel left');
    hasWarned = true;
    return true;
  };
  const target = new SocketTarget(
    {
      // Without a channel a ping would not be sent.
      isBusy: (isPinging) => isBlocked || (!isPinging && isFull()),
      ping(settled) {
        // It changes nothing on a channel without consumers.
        if (channel !== undefined) return ifPromise(channel.prefetch(0, false, settled), settled, settled);
        const opened = (own: Channel) => {
          channel = own;
          // The server may close it, and leave the connection open.
          own.on('error', () => {});
          own.once('close', () => {
            channel = undefined;
          });
          settled();
        };
        const opening = connection.createChannel((error, own) => (error ? settled() : opened(own)));
        ifPromise(opening, opened, settled);
      },
      failPending(error) {
        for (const item of channels) if (item?.channel) rejectWith(error, item.channel);
      },
      emitters: [connection],
    },
    options,
  );
  target.attach(stream);
  const setBlocked = (value: boolean) => () => {
    isBlocked = value;
  };
  connection.on('blocked', setBlocked(true)).on('unblocked', setBlocked(false));
  connection.once('close', () => target.end());
  return target;
}

/** The promise API ignores the callback that it is given. */
function ifPromise<T>(value: unknown, resolved: (value: T) => void, rejected: () => void): void {
  if (hasMethods(value, 'then')) (value as Promise<T>).then(resolved, rejected);
}

function isConnection(connection: unknown): connection is ConnectionInternals {
  if (!hasMethods(connection, 'createChannel', 'createConfirmChannel', 'on', 'once')) return false;
  const { stream, channels, channelMax = 0 } = (connection as Partial<ConnectionInternals>).connection ?? {};
  return hasMethods(stream, 'destroy', 'setKeepAlive') && Array.isArray(channels) && channelMax > 0;
}
