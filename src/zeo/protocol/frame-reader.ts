import { ProtocolError } from '../../model/errors.js';
import { FrameDecoder, type OversizedFrame } from './frame-decoder.js';
import { foreignPeer, maxGreetingBytes, maxShownBytes } from './greeting.js';

/** How frames over the limit are handled, after the greeting. */
export interface Skipping<Event> {
  /** Number of bytes at the start of the frame that `toEvent` needs. */
  readonly headBytes: number;
  /** Returns the event for the frame, whose rest is then skipped; `undefined` makes it a fault. */
  readonly toEvent: (frame: OversizedFrame) => Event | undefined;
}

/** Every frame over the limit is a fault, as soon as its length is known. */
const nothingSkipped: Skipping<never> = { headBytes: 0, toEvent: () => undefined };

/**
 * Bytes in, events out, for either role: splits the stream into frames, and makes an event of each.
 *
 * Rules:
 * - Events before a fault are delivered before it is thrown, however the bytes are split into chunks.
 * - After a fault it is broken: each later call throws the same ProtocolError.
 * - Throws only ProtocolErrors; what the event handler throws propagates unchanged.
 */
export class FrameReader<Event> {
  readonly #frames = new FrameDecoder();
  readonly #maxFrameBytes: number;
  readonly #toEvent: (frame: Uint8Array, isFirst: boolean) => Event;
  readonly #skipping: Skipping<Event>;
  #isFirst = true;
  #fault: ProtocolError | undefined;

  constructor(
    maxFrameBytes: number,
    toEvent: (frame: Uint8Array, isFirst: boolean) => Event,
    skipping: Skipping<Event> = nothingSkipped,
  ) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#toEvent = toEvent;
    this.#skipping = skipping;
  }

  /**
   * Reads the next bytes, and delivers the event of each frame that they complete.
   *
   * @throws ProtocolError, and the same one on every later call; what `handle` throws, in which case the rest of the chunk
   *   is lost
   */
  receive(chunk: Uint8Array, handle: (event: Event) => void): void {
    this.#frames.push(chunk);
    for (let event = this.#next(); event !== undefined; event = this.#next()) handle(event);
  }

  /** Makes every later `receive` throw; returns the first fault. */
  break(error: unknown): ProtocolError {
    this.#fault ??= faultOf(error);
    return this.#fault;
  }

  #next(): Event | undefined {
    // `handle` may have called `break`, for a lazy reply that could not be decoded.
    if (this.#fault !== undefined) throw this.#fault;
    try {
      const frame = this.#nextFrame();
      if (frame === undefined) return undefined;
      const isFirst = this.#isFirst;
      this.#isFirst = false;
      return frame instanceof Uint8Array ? this.#toEvent(frame, isFirst) : this.#skipped(frame);
    } catch (error) {
      throw this.break(error);
    }
  }

  #nextFrame(): Uint8Array | OversizedFrame | undefined {
    if (!this.#isFirst) return this.#frames.next(this.#maxFrameBytes, this.#skipping.headBytes);
    // Copied first, for the error: reading the frame consumes its bytes.
    const stream = this.#frames.peek(maxShownBytes);
    const frame = this.#frames.next(maxGreetingBytes, 0);
    if (frame === undefined || frame instanceof Uint8Array) return frame;
    throw foreignPeer(stream);
  }

  /** @throws ProtocolError `ERR_ZEO_FRAME_TOO_LARGE` for a frame without an event. */
  #skipped(frame: OversizedFrame): Event {
    const event = this.#skipping.toEvent(frame);
    if (event !== undefined) return event;
    throw new ProtocolError(`Frame of ${frame.length} bytes announced, the limit is ${this.#maxFrameBytes}`, {
      code: 'ERR_ZEO_FRAME_TOO_LARGE',
    });
  }
}

function faultOf(error: unknown): ProtocolError {
  return error instanceof ProtocolError
    ? error
    : new ProtocolError('Malformed message: it cannot be decoded', { cause: error });
}
