/**
 * `zeo-keepalive/ws`: keeps the connections of [ws](https://github.com/websockets/ws) 7 and 8 alive.
 *
 * @module ws
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { KeepAliveTarget } from '../model/target.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal, SocketTarget } from './socket-target.js';

export type { AdapterOptions } from './socket-target.js';

/** A `WebSocket` of `ws`, by what is used of it. */
export interface WsWebSocket extends EventEmitter {
  readonly readyState: number;
  ping(): void;
}

/** What it has that is not in its documentation, since version 1; `null` until it is open. */
interface WithSocket extends WsWebSocket {
  readonly _socket: Socket | null;
}

const connecting = 0;
const open = 1;

/**
 * A WebSocket of the client's or of the server's side, to be opened in the registry. It is pinged with a ping frame, which may
 * stand between any two frames.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a WebSocket of `ws` that is open, or opens
 *
 * @example
 * databases.open('feed', webSocket(new WebSocket('wss://feed.example.org')));
 */
export function webSocket(socket: WsWebSocket, options: AdapterOptions = {}): KeepAliveTarget {
  if (!isWebSocket(socket)) throw refusal('socket', 'a WebSocket of ws', socket);
  if (socket.readyState > open) throw refusal('socket', 'a WebSocket that is not closed', socket);
  adaptOnce('socket', socket, options);
  const target = new SocketTarget(
    {
      isBusy: () => false,
      ping(settled) {
        socket.once('pong', settled);
        socket.ping();
      },
      emitters: [socket],
    },
    options,
  );
  const attach = () => target.attach(socket._socket as Socket);
  if (socket.readyState === connecting) socket.once('open', attach);
  else attach();
  socket.once('close', () => target.end());
  return target;
}

function isWebSocket(socket: unknown): socket is WithSocket {
  return hasMethods(socket, 'ping', 'terminate', 'once') && '_socket' in socket;
}
