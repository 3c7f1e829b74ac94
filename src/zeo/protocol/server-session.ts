import { ClientDisconnected, ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';
import { defaultMaxFrameBytes } from '../../pickle/limits.js';
import { type Codec, codecs, type Encoding } from '../encoding/codec.js';
import { frameOf } from '../encoding/frame.js';
import type { MessageId, Value } from '../encoding/values.js';
import { FrameReader } from './frame-reader.js';
import { checkAnswer, type Protocol, protocolVersion } from './greeting.js';
import { callArguments, errorFlags, heartbeatId, isOneWay, replyMethod, toMessage } from './message.js';
import { isRuok } from './ruok.js';

/** What the client sent, in order. */
export type ServerEvent =
  /** The client accepted the greeting. */
  | { readonly type: 'handshake'; readonly protocol: Protocol }
  /** The health check: the server answers with one JSON message and closes. */
  | { readonly type: 'ruok' }
  | {
      readonly type: 'call';
      readonly id: MessageId;
      readonly oneWay: boolean;
      readonly method: string;
      readonly args: readonly Value[];
    }
  /** The Python client's one-way heartbeat, msgid -1. */
  | { readonly type: 'heartbeat' };

/**
 * The server's side of one connection: bytes in, events out, and frames to send. No I/O, no clock.
 *
 * The inverse of {@link ClientSession}.
 *
 * Rules:
 * - After a ProtocolError the session is broken: each later `receive` throws the same error.
 * - It is open once the client has accepted the greeting; messages can be encoded only then.
 * - After a health check, no message is accepted.
 */
export class ServerSession {
  readonly #maxFrameBytes: number;
  readonly #reader: FrameReader<ServerEvent>;
  readonly #announced: Protocol;
  readonly #codec: Codec;
  #state: 'greeting' | 'open' | 'ruok' = 'greeting';

  /** `maxFrameBytes` bounds a frame in either direction; default 128 MiB. */
  constructor(options: { encoding: Encoding; maxFrameBytes?: number }) {
    this.#maxFrameBytes = options.maxFrameBytes ?? defaultMaxFrameBytes;
    this.#announced = `${options.encoding}${protocolVersion}`;
    this.#codec = codecs[options.encoding];
    this.#reader = new FrameReader(this.#maxFrameBytes, (frame, isFirst) =>
      isFirst ? this.#answered(frame) : this.#received(frame),
    );
  }

  /** The framed greeting: the server speaks first. */
  greeting(): Uint8Array {
    return frameOf(new TextEncoder().encode(this.#announced));
  }

  /**
   * Reads the next bytes. The events of whole frames before a fault are delivered before it is thrown.
   *
   * @throws ProtocolError, and the same one on every later call; what `handle` throws, in which case the rest of the chunk
   *   is lost
   */
  receive(chunk: Uint8Array, handle: (event: ServerEvent) => void): void {
    this.#reader.receive(chunk, handle);
  }

  /**
   * A framed reply to a call.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`, `ERR_ZEO_FRAME_TOO_LARGE`, or `ERR_ZEO_DISCONNECTED` before
   * the handshake.
   */
  encodeReply(id: MessageId, value: Value): Uint8Array {
    return this.#encode([id, 0, replyMethod, value]);
  }

  /** A framed exception for a call: its dotted Python class name, and its argument tuple or attribute dict. */
  encodeError(id: MessageId, className: string, args: Value): Uint8Array {
    return this.#encode([id, errorFlags, replyMethod, [className, args]]);
  }

  /** A framed one-way call of the client. */
  encodeOneWay(method: string, args: readonly Value[]): Uint8Array {
    return this.#encode([0, true, method, args]);
  }

  /** A frame with raw bytes, for the answer to `ruok`. */
  encodeRaw(payload: Uint8Array): Uint8Array {
    return frameOf(payload);
  }

  #encode(message: Value): Uint8Array {
    if (this.#state !== 'open')
      throw new ClientDisconnected('Cannot encode a message: the client has not answered the greeting yet');
    return this.#codec.encodeFrame(message, this.#maxFrameBytes);
  }

  #answered(frame: Uint8Array): ServerEvent {
    if (isRuok(frame)) {
      this.#state = 'ruok';
      return { type: 'ruok' };
    }
    checkAnswer(frame, this.#announced);
    this.#state = 'open';
    return { type: 'handshake', protocol: this.#announced };
  }

  #received(frame: Uint8Array): ServerEvent {
    if (this.#state !== 'open')
      throw new ProtocolError('Unexpected message of the client: expected no message after ruok');
    const message = toMessage(this.#codec.decode(frame, 'client'));
    const { id, method } = message;
    // Recognized by the id alone, as in ZEO's own server (`ZEO/asyncio/server.py: message_received`).
    if (id === heartbeatId) return { type: 'heartbeat' };
    if (method === replyMethod)
      throw new ProtocolError('Unexpected message of the client: expected a call; received a reply');
    const oneWay = isOneWay(message);
    if (!oneWay && message.flags !== false && message.flags !== 0) {
      throw new ProtocolError(mismatch('Malformed call flags', '0, 1 or a boolean', message.flags));
    }
    return { type: 'call', id, oneWay, method, args: callArguments(message) };
  }
}
