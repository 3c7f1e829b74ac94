/**
 * `zeo-keepalive/http2`: keeps the sessions of [node:http2](https://nodejs.org/api/http2.html) alive.
 *
 * @module http2
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { KeepAliveTarget } from '../model/target.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal, SocketTarget } from './socket-target.js';

export type { AdapterOptions } from './socket-target.js';

/** An `Http2Session` of `node:http2`, by what is used of it. */
export interface Http2Session extends EventEmitter {
  readonly closed: boolean;
  readonly connecting: boolean;
  readonly destroyed: boolean;
  readonly socket: object;
  ping(callback: (error: Error | null) => void): boolean;
}

/** Of a session of the client's side. */
interface Requests {
  request(...args: readonly unknown[]): EventEmitter;
}

/** Until a ping that the session has refused is tried again, in milliseconds. */
const refusedMs = 100;

/**
 * A session of the client's or of the server's side, to be opened in the registry. It is pinged with a `PING` frame, which goes
 * ahead of the frames of its streams.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a session of `node:http2` that is not closed
 *
 * @example
 * databases.open('api', http2Session(http2.connect('https://api.example.org')));
 */
export function http2Session(session: Http2Session, options: AdapterOptions = {}): KeepAliveTarget {
  if (!isSession(session)) throw refusal('session', 'an Http2Session of node:http2', session);
  if (session.closed || session.destroyed) throw refusal('session', 'a session that is not closed', session);
  adaptOnce('session', session, options);
  const streams = openStreams(session);
  const target = new SocketTarget(
    {
      // One that closes still serves its streams, but refuses pings.
      isBusy: () => session.closed || session.destroyed,
      ping: (settled) => ping(session, settled),
      get emitters() {
        return [session, ...streams];
      },
    },
    options,
  );
  const attach = () => {
    // A listener that was called before may have destroyed it: then it has no socket.
    if (!session.destroyed) target.attach(socketOf(session));
  };
  if (session.connecting) session.once('connect', attach);
  else attach();
  session.once('close', () => target.end());
  return target;
}

/** Refused while as many pings of the application are out as the session permits: then an answer to one of them makes room. */
function ping(session: Http2Session, settled: () => void): void {
  // Of a session that was destroyed, `closed` may be false.
  if (session.closed || session.destroyed) return;
  const isSent = session.ping((error) => {
    if (error === null) settled();
  });
  if (!isSent) setTimeout(() => ping(session, settled), refusedMs).unref();
}

/** Those opened from now on. Each gets the error that ends the session. */
function openStreams(session: Http2Session): ReadonlySet<EventEmitter> {
  const streams = new Set<EventEmitter>();
  const add = (stream: EventEmitter) => {
    streams.add(stream);
    stream.once('close', () => streams.delete(stream));
  };
  session.on('stream', add);
  if (!hasMethods(session, 'request')) return streams;
  const client = session as Http2Session & Requests;
  const { request } = client;
  client.request = function (...args) {
    const stream = request.call(this, ...args);
    add(stream);
    return stream;
  };
  return streams;
}

/** `session.socket` forbids what would disturb the session, but its other methods return the socket itself. */
function socketOf({ socket }: Http2Session): Socket {
  return (socket as Socket).off('close', () => {});
}

function isSession(session: unknown): session is Http2Session {
  if (!hasMethods(session, 'on', 'once', 'ping', 'goaway')) return false;
  const { closed, connecting } = session as Partial<Http2Session>;
  return typeof closed === 'boolean' && typeof connecting === 'boolean';
}
