import { ProtocolError } from '../../errors.js';
import { FrameDecoder } from './frame-decoder.js';
import { foreignPeer, maxGreetingBytes, maxShownBytes } from './greeting.js';

/**
 * Bytes in, events out, for either role: cuts frames, makes an event of each, and stays broken once it broke.
 *
 * - Events before a fault are delivered before it is thrown, however the bytes were cut into chunks.
 * - Nothing but ProtocolError comes out.
 */
export class FrameReader<Event> {
  readonly #frames = new FrameDecoder();
  readonly #maxFrameBytes: number;
  readonly #toEvent: (frame: Uint8Array, isFirst: boolean) => Event;
  #isFirst = true;
  #fault: ProtocolError | undefined;
  /** Behind events that are not looked at yet. */
  #faultToCome: ProtocolError | undefined;

  constructor(maxFrameBytes: number, toEvent: (frame: Uint8Array, isFirst: boolean) => Event) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#toEvent = toEvent;
  }

  /**
   * @throws ProtocolError, the same one ever after; while iterating when events precede it.
   */
  receive(chunk: Uint8Array): Iterable<Event> {
    const fault = this.#fault ?? this.#faultToCome;
    if (fault !== undefined) throw fault;
    const events: Event[] = [];
    try {
      this.#frames.push(chunk);
      for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
        const isFirst = this.#isFirst;
        this.#isFirst = false;
        events.push(this.#toEvent(frame, isFirst));
      }
    } catch (error) {
      if (events.length === 0) throw this.break(error);
      this.#faultToCome = faultOf(error);
      return this.#eventsThenFault(events, this.#faultToCome);
    }
    return events;
  }

  /** Makes every later `receive` throw; the first fault wins. */
  break(error: unknown): ProtocolError {
    this.#fault ??= faultOf(error);
    return this.#fault;
  }

  /** A reply among the events may turn out to be unreadable when it is looked at: then that is the first fault. */
  *#eventsThenFault(events: readonly Event[], fault: ProtocolError): Generator<Event, void> {
    yield* events;
    throw this.break(fault);
  }

  #next(): Uint8Array | undefined {
    if (!this.#isFirst) return this.#frames.next(this.#maxFrameBytes);
    // Copied before the frame is read: what is read is no longer there to be shown.
    const stream = this.#frames.peek(maxShownBytes);
    try {
      return this.#frames.next(maxGreetingBytes);
    } catch {
      throw foreignPeer(stream);
    }
  }
}

function faultOf(error: unknown): ProtocolError {
  return error instanceof ProtocolError
    ? error
    : new ProtocolError('Message cannot be decoded', { cause: error });
}
