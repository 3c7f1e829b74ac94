import { ProtocolError } from '../../model/errors.js';
import { FrameDecoder, type OversizedFrame } from './frame-decoder.js';
import { foreignPeer, maxGreetingBytes, maxShownBytes } from './greeting.js';

/** What is done about frames over the limit, after the greeting. */
export interface Skipping<Event> {
  /** So many of the first bytes are looked at. */
  readonly headBytes: number;
  /** The event that stands for it, and the rest is skipped; or `undefined`, and it is a fault. */
  readonly toEvent: (frame: OversizedFrame) => Event | undefined;
}

/** A fault as soon as the length is there. */
const nothingSkipped: Skipping<never> = { headBytes: 0, toEvent: () => undefined };

/**
 * Bytes in, events out, for either role: cuts frames, makes an event of each, and stays broken once it broke.
 *
 * - Events before a fault are handed over before it is thrown, however the bytes were cut into chunks.
 * - It throws nothing but ProtocolErrors, and lets through what who is told of an event throws.
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
   * Takes the next bytes, and hands over what each frame that they complete stands for.
   *
   * @throws ProtocolError, the same one ever after; what `handle` throws, and the rest of the chunk is lost
   */
  receive(chunk: Uint8Array, handle: (event: Event) => void): void {
    this.#frames.push(chunk);
    for (let event = this.#next(); event !== undefined; event = this.#next()) handle(event);
  }

  /** Makes every later `receive` throw; the first fault wins. */
  break(error: unknown): ProtocolError {
    this.#fault ??= faultOf(error);
    return this.#fault;
  }

  #next(): Event | undefined {
    // A reply may have turned out to be unreadable when it was looked at.
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
    // Copied before the frame is read: what is read is no longer there to be shown.
    const stream = this.#frames.peek(maxShownBytes);
    const frame = this.#frames.next(maxGreetingBytes, 0);
    if (frame === undefined || frame instanceof Uint8Array) return frame;
    throw foreignPeer(stream);
  }

  /** @throws ProtocolError `ERR_ZEO_FRAME_TOO_LARGE` for a frame that nothing stands for. */
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
    : new ProtocolError('Message cannot be decoded', { cause: error });
}
