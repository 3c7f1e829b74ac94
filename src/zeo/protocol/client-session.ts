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

/** What the server sent, in order. */
export type ClientEvent =
  /** The server's greeting was accepted. The caller sends {@link ClientSession.handshakeReply}. */
  | { readonly type: 'handshake'; readonly protocol: Protocol }
  /**
   * The reply to a call. `value` may be decoded on first access, which must happen before the next chunk; if it cannot be
   * decoded it throws a ProtocolError, and the session is broken from then on.
   */
  | { readonly type: 'reply'; readonly id: MessageId; readonly value: Value }
  | { readonly type: 'error'; readonly id: MessageId; readonly error: ServerError }
  /** The reply to a call, a value or an exception, was over the limit and is skipped: `ERR_ZEO_FRAME_TOO_LARGE`. */
  | { readonly type: 'oversized'; readonly id: MessageId; readonly error: KeepAliveError }
  /** A one-way call of the server: `invalidateTransaction`, `info`, `receiveBlob…`. */
  | { readonly type: 'call'; readonly method: string; readonly args: readonly Value[] };

/**
 * The client's side of one connection: bytes in, events out, and frames to send. No I/O, no clock.
 *
 * The inverse of {@link ServerSession}.
 *
 * Rules:
 * - After a ProtocolError the session is broken: each later `receive` throws the same error.
 * - A reply over the limit is skipped; anything else over it may be an invalidation, and breaks the session.
 * - Nothing but the handshake reply can be encoded before the server's greeting.
 */
export class ClientSession {
  readonly #maxFrameBytes: number;
  readonly #reusedMemory: ArrayBufferLike | undefined;
  readonly #reader: FrameReader<ClientEvent>;
  #protocol: Protocol | undefined;
  #encoding: Encoding = 'Z';
  #codec: Codec | undefined;

  /**
   * `maxFrameBytes` bounds a frame in either direction; default 128 MiB.
   *
   * `reusedMemory` is a buffer that the caller overwrites with the next chunk: values decoded from it are copied.
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

  /** `Z5` or `M5` once the server's greeting has been accepted. */
  get protocol(): Protocol | undefined {
    return this.#protocol;
  }

  /**
   * Reads the next bytes. The events of whole frames before a fault are delivered before it is thrown.
   *
   * @throws ProtocolError, and the same one on every later call; what `handle` throws, in which case the rest of the chunk
   *   is lost
   */
  receive(chunk: Uint8Array, handle: (event: ClientEvent) => void): void {
    this.#reader.receive(chunk, handle);
  }

  /** The framed reply to the greeting. */
  handshakeReply(): Uint8Array {
    this.#requireCodec();
    return frameOf(new TextEncoder().encode(this.#protocol));
  }

  /**
   * A framed call that expects a reply.
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
    if (this.#codec === undefined)
      throw new ClientDisconnected('Cannot encode a call: the server has not sent its greeting yet');
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
   * An oversized reply concerns only its caller: it is reported as soon as its head is read, and the rest is skipped.
   * Anything else may be an invalidation, and none may be lost.
   */
  #skipped({ length, head }: OversizedFrame): ClientEvent | undefined {
    const id = peekAnswerId(head, this.#encoding);
    // No call of a client has a negative one.
    if (id === undefined || id < 0) return undefined;
    const message = `Reply of ${length} bytes, the limit is ${this.#maxFrameBytes}`;
    return { type: 'oversized', id, error: new KeepAliveError('ERR_ZEO_FRAME_TOO_LARGE', message) };
  }

  #decode(frame: Uint8Array): ClientEvent {
    // As from a server: Python programs may put any object into a transaction's extension, and into exceptions.
    const message = toMessage(this.#requireCodec().decode(this.#kept(frame), 'server'));
    const { id, method } = message;
    if (method === replyMethod) {
      const error = replyError(message);
      return error === undefined ? { type: 'reply', id, value: message.args } : { type: 'error', id, error };
    }
    if (!isOneWay(message))
      throw new ProtocolError(
        'Unexpected call of the server: expected a one-way call; received one that expects a reply',
      );
    return { type: 'call', method, args: callArguments(message) };
  }

  /** The frame, copied if its memory is reused: decoded values are views of it. */
  #kept(frame: Uint8Array): Uint8Array {
    return frame.buffer === this.#reusedMemory ? frame.slice() : frame;
  }

  /** Decodes a reply whose head alone has been read so far: a crafted one may turn out to be something else. */
  readonly #decodeReply = (frame: Uint8Array): Value => {
    try {
      const event = this.#decode(frame);
      if (event.type === 'reply') return event.value;
    } catch (error) {
      throw this.#reader.break(error);
    }
    throw this.#reader.break(
      new ProtocolError('Malformed reply: the whole message is not the reply that its head announced'),
    );
  };
}
