import { frameHeaderBytes } from '../zeo/encoding/frame.js';
import { type Encoding, FrameBoundaries, peekAnswerId, replyHeadBytes } from '../zeo/protocol/index.js';

/** Where the bytes go, and what becomes of an answer. */
export interface AnswerSink {
  pass(bytes: Uint8Array): void;
  /** The server has begun to answer the ping of that id. */
  answered(id: number): void;
}

/**
 * Takes the answers to pings out of what a server sends, and passes on everything else as it came.
 *
 * Only while pings are out does it look at frames, and then at no more of each than the head of a reply. The beginning of
 * a frame whose head has not come as a whole is held back until it has: {@link mostHeldBytes} at most.
 */
export class AnswerFilter {
  readonly #encoding: Encoding;
  readonly #sink: AnswerSink;
  readonly #frames = new FrameBoundaries();
  /** The pings that are out, by id. */
  readonly #awaited = new Set<number>();
  #held: Uint8Array | undefined;
  #isInAnswer = false;

  constructor(encoding: Encoding, sink: AnswerSink) {
    this.#encoding = encoding;
    this.#sink = sink;
  }

  /** Whether the server is between two frames, and nothing is held back. */
  get isBetweenFrames(): boolean {
    return this.#frames.isBetweenFrames && this.#held === undefined;
  }

  /** From now on an answer to that id is for a ping. */
  expect(id: number): void {
    this.#awaited.add(id);
  }

  receive(received: Uint8Array): void {
    const chunk = this.#held === undefined ? received : Buffer.concat([this.#held, received]);
    this.#held = undefined;
    /** Up to where the chunk was passed on or left out. */
    let done = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#awaited.size > 0 && this.#frames.isBetweenFrames) {
        const head = headAt(chunk, at);
        if (head === undefined) {
          this.#pass(chunk, done, at);
          // A copy: a part of the chunk would keep all of it.
          this.#held = Uint8Array.from(chunk.subarray(at));
          return;
        }
        const id = peekAnswerId(head, this.#encoding);
        if (id !== undefined && this.#awaited.delete(id)) {
          this.#pass(chunk, done, at);
          this.#isInAnswer = true;
          this.#sink.answered(id);
        }
      }
      at = this.#frames.advance(chunk, at);
      if (!this.#isInAnswer) continue;
      done = at;
      this.#isInAnswer = !this.#frames.isBetweenFrames;
    }
    this.#pass(chunk, done, chunk.length);
  }

  /** The server sends no more: passes on what was held back. */
  end(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#sink.pass(held);
  }

  #pass(chunk: Uint8Array, from: number, to: number): void {
    if (from < to) this.#sink.pass(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }
}

/** The head of a frame in a chunk, as far as {@link peekAnswerId} looks; `undefined` while some of that is missing. */
function headAt(chunk: Uint8Array, start: number): Uint8Array | undefined {
  const from = start + frameHeaderBytes;
  if (from > chunk.length) return undefined;
  const length = new DataView(chunk.buffer, chunk.byteOffset + start).getUint32(0);
  const to = from + Math.min(length, replyHeadBytes);
  return to > chunk.length ? undefined : chunk.subarray(from, to);
}

/** The most that an {@link AnswerFilter} holds back, in bytes. */
export const mostHeldBytes = frameHeaderBytes + replyHeadBytes - 1;
