import { ClientDisconnected, KeepAliveError, ProtocolError } from '../../model/errors.js';
import { defaultMaxFrameBytes } from '../../pickle/limits.js';
import type { ServerError } from '../../zodb/pos-exception.js';
import { type Codec, codecs, type Encoding } from '../encoding/codec.js';
import { frameOf } from '../encoding/frame.js';
import type { MessageId, Value } from '../encoding/values.js';
import type { OversizedFrame } from './frame-decoder.js';
import { FrameReader } from './frame-reader.js';
import { answerGreeting, type Protocol } from './greeting.js';
import { LazyReply } from './lazy-reply.js';
import { callArguments, isOneWay, replyError, replyMethod, toMessage } from './message.js';
import { peekAnswerId, peekReplyId, replyHeadBytes } from './reply-head.js';

/** What the server did, in order. */
export type ClientEvent =
  /** The server's greeting was accepted. The caller sends {@link ClientSession.handshakeReply}. */
  | { readonly type: 'handshake'; readonly protocol: Protocol }
  /**
   * The answer to a call. `value` may be decoded on first access, which must come before the next chunk, and then throws
   * ProtocolError when it cannot be; the session is broken from then on.
   */
  | { readonly type: 'reply'; readonly id: MessageId; readonly value: Value }
  | { readonly type: 'error'; readonly id: MessageId; readonly error: ServerError }
  /** The answer to a call, a value or an exception, is over the limit and skipped: `ERR_ZEO_FRAME_TOO_LARGE`. */
  | { readonly type: 'oversized'; readonly id: MessageId; readonly error: KeepAliveError }
  /** A one-way call of the server: `invalidateTransaction`, `info`, `receiveBlob…`. */
  | { readonly type: 'call'; readonly method: string; readonly args: readonly Value[] };

/**
 * The client's side of one connection: bytes in, events out, and frames to send. No I/O, no clock.
 *
 * The inverse of {@link ServerSession}.
 */
export class ClientSession {
  readonly #maxFrameBytes: number;
  readonly #reusedMemory: ArrayBufferLike | undefined;
  readonly #reader: FrameReader<ClientEvent>;
  #protocol: Protocol | undefined;
  #encoding: Encoding = 'Z';
  #codec: Codec | undefined;

  /**
   * `maxFrameBytes` bounds a frame in either direction; default 128 MiB. An answer over it is skipped, anything else
   * over it is a fault.
   *
   * `reusedMemory` is memory of chunks that may be written over as soon as the events of one were taken and looked at:
   * what is decoded from it is copied.
   */
  constructor(
    options: { maxFrameBytes?: number | undefined; reusedMemory?: ArrayBufferLike | undefined } = {},
  ) {
    this.#maxFrameBytes = options.maxFrameBytes ?? defaultMaxFrameBytes;
    this.#reusedMemory = options.reusedMemory;
    this.#reader = new FrameReader<ClientEvent>(
      this.#maxFrameBytes,
      (frame, isFirst) => (isFirst ? this.#greeted(frame) : this.#received(frame)),
      { headBytes: replyHeadBytes, toEvent: (frame) => this.#skipped(frame) },
    );
  }

  /** `Z5` or `M5` once the server's greeting was accepted. */
  get protocol(): Protocol | undefined {
    return this.#protocol;
  }

  /**
   * Takes the next bytes. The events of whole frames that precede a fault are handed over before it is thrown.
   *
   * @throws ProtocolError and then, at every later call, the same one; or what `handle` throws, and the rest of the chunk
   *   is lost
   */
  receive(chunk: Uint8Array, handle: (event: ClientEvent) => void): void {
    this.#reader.receive(chunk, handle);
  }

  /** The framed answer to the greeting. */
  handshakeReply(): Uint8Array {
    this.#requireCodec();
    return frameOf(new TextEncoder().encode(this.#protocol));
  }

  /**
   * A framed call that wants a reply.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`, `ERR_ZEO_FRAME_TOO_LARGE`, or `ERR_ZEO_DISCONNECTED` before
   * the handshake.
   */
  encodeCall(id: MessageId, method: string, args: readonly Value[]): Uint8Array {
    return this.#requireCodec().encodeFrame([id, false, method, args], this.#maxFrameBytes);
  }

  /** A framed one-way call; throws as {@link encodeCall} does. */
  encodeOneWay(method: string, args: readonly Value[]): Uint8Array {
    return this.#requireCodec().encodeFrame([0, true, method, args], this.#maxFrameBytes);
  }

  #requireCodec(): Codec {
    if (this.#codec === undefined) throw new ClientDisconnected('The server has not greeted yet');
    return this.#codec;
  }

  #greeted(frame: Uint8Array): ClientEvent {
    const protocol = answerGreeting(frame);
    this.#encoding = protocol[0] as Encoding;
    this.#protocol = protocol;
    this.#codec = codecs[this.#encoding];
    return { type: 'handshake', protocol };
  }

  #received(frame: Uint8Array): ClientEvent {
    const replyId = peekReplyId(frame, this.#encoding);
    return replyId === undefined ? this.#decode(frame) : new LazyReply(replyId, frame, this.#decodeReply);
  }

  /**
   * An answer is the business of the one who called, and is told of before its rest has come: that says nothing more.
   * Anything else may be an invalidation, and none may be lost.
   */
  #skipped({ length, head }: OversizedFrame): ClientEvent | undefined {
    const id = peekAnswerId(head, this.#encoding);
    if (id === undefined) return undefined;
    const message = `The server's answer has ${length} bytes, the limit is ${this.#maxFrameBytes}`;
    return { type: 'oversized', id, error: new KeepAliveError('ERR_ZEO_FRAME_TOO_LARGE', message) };
  }

  #decode(frame: Uint8Array): ClientEvent {
    // Python programs put what they like into a transaction's extension, and into exceptions.
    const message = toMessage(this.#requireCodec().decode(this.#kept(frame), 'server'));
    const { id, method } = message;
    if (method === replyMethod) {
      const error = replyError(message);
      return error === undefined ? { type: 'reply', id, value: message.args } : { type: 'error', id, error };
    }
    if (!isOneWay(message)) throw new ProtocolError('Server sent a call that wants a reply');
    return { type: 'call', method, args: callArguments(message) };
  }

  /** Values are views of their frame. */
  #kept(frame: Uint8Array): Uint8Array {
    return frame.buffer === this.#reusedMemory ? frame.slice() : frame;
  }

  /** For a reply of which only the head was looked at: a crafted one may still turn out to be something else. */
  readonly #decodeReply = (frame: Uint8Array): Value => {
    try {
      const event = this.#decode(frame);
      if (event.type === 'reply') return event.value;
    } catch (error) {
      throw this.#reader.break(error);
    }
    throw this.#reader.break(new ProtocolError('Message is not the reply that it began as'));
  };
}
