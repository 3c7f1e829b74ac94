import type { ServerError } from '../../errors.js';
import type { MessageId, Value } from './values.js';

// CONTRACT SKETCH: the protocol's two roles, no I/O, no clock. To be implemented.

/** What the peer did, in order. */
export type ClientEvent =
  /** The server's greeting was accepted. The caller sends `ClientSession#handshakeReply()`. */
  | { readonly type: 'handshake'; readonly protocol: string /* 'Z5' | 'M5' */ }
  | { readonly type: 'reply'; readonly id: MessageId; readonly value: Value }
  | { readonly type: 'error'; readonly id: MessageId; readonly error: ServerError }
  /** A one-way call of the server: `invalidateTransaction`, `info`, `receiveBlob…`. */
  | { readonly type: 'call'; readonly method: string; readonly args: readonly Value[] };

export declare class ClientSession {
  constructor(options?: { maxFrameBytes?: number });
  /** 'Z5' or 'M5' once the handshake is done. */
  readonly protocol: string | undefined;
  /** Bytes in, events out; throws ProtocolError (and stays broken: later calls throw the same error). */
  receive(chunk: Uint8Array): Iterable<ClientEvent>;
  /** The framed answer to the greeting. */
  handshakeReply(): Uint8Array;
  /** A framed call that wants a reply. */
  encodeCall(id: MessageId, method: string, args: readonly Value[]): Uint8Array;
  /** A framed one-way call (msgid 0, flag True). */
  encodeOneWay(method: string, args: readonly Value[]): Uint8Array;
}

export type ServerEvent =
  | { readonly type: 'handshake'; readonly protocol: string }
  /** The health check: the server answers one JSON message and closes. */
  | { readonly type: 'ruok' }
  | { readonly type: 'call'; readonly id: MessageId; readonly oneWay: boolean; readonly method: string; readonly args: readonly Value[] }
  /** The Python client's one-way heartbeat, msgid -1. */
  | { readonly type: 'heartbeat' };

export declare class ServerSession {
  constructor(options: { encoding: 'Z' | 'M'; maxFrameBytes?: number });
  /** The framed greeting. */
  greeting(): Uint8Array;
  receive(chunk: Uint8Array): Iterable<ServerEvent>;
  encodeReply(id: MessageId, value: Value): Uint8Array;
  encodeError(id: MessageId, className: string, args: Value): Uint8Array;
  encodeOneWay(method: string, args: readonly Value[]): Uint8Array;
  /** One raw frame, for the answer to `ruok`. */
  encodeRaw(payload: Uint8Array): Uint8Array;
}
