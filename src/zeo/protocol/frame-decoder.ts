import { frameHeaderBytes } from '../encoding/frame.js';

const nothing = new Uint8Array(0);

/** Smallest buffer in which a frame that spans chunks is gathered, in bytes. */
const minGathered = 1024;

/** The beginning of a frame over the limit; the rest is dropped as it comes. */
export interface OversizedFrame {
  /** Of the whole frame, in bytes. */
  readonly length: number;
  /** As many of its first bytes as were asked for, or all of them. */
  readonly head: Uint8Array;
}

/**
 * Cuts a byte stream into frames: a 4-byte big-endian length, then that many bytes (`ZEO/asyncio/smp.py`).
 *
 * - A frame that lies within one chunk is a view of it. One that spans chunks is copied, into a buffer that
 *   doubles as bytes arrive: the work is linear, and a length that is only announced takes no memory.
 * - A length is checked against the limit as soon as its four bytes are there.
 * - A frame over the limit is skipped, however long it is: its four bytes bound it at 4 GiB, it takes no memory, and a peer
 *   that would waste our time can do so with small frames as well. One that stops on the way is as silent as any other.
 */
export class FrameDecoder {
  #chunk: Uint8Array = nothing;
  #position = 0;
  /** Length of the frame being read, or its first bytes while `#headerBytes` is below 4. */
  #length = 0;
  #headerBytes = 0;
  #gathered: Uint8Array = nothing;
  #gatheredBytes = 0;
  /** What is still to be dropped of a frame over the limit. */
  #excess = 0;

  /** Hands over the next bytes. Every frame of the chunk before must have been taken with {@link next}. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#position = 0;
  }

  /**
   * The next frame without its length, or `undefined` when more bytes are needed. Whole, or, when it is longer than
   * `maxBytes`, as soon as `headBytes` of it are there.
   */
  next(maxBytes: number, headBytes: number): Uint8Array | OversizedFrame | undefined {
    if (this.#excess > 0 && !this.#skip()) return undefined;
    if (this.#headerBytes < frameHeaderBytes && !this.#readHeader(this.#chunk)) return undefined;
    const length = this.#length;
    if (length <= maxBytes) return this.#take(length);
    const head = this.#take(Math.min(length, headBytes));
    if (head === undefined) return undefined;
    this.#excess = length - head.length;
    return { length, head };
  }

  /**
   * What is known of the frame being read, its length prefix included: for the message about a peer that
   * speaks something else.
   */
  peek(maxBytes: number): Uint8Array {
    const rest = this.#chunk.subarray(this.#position, this.#position + maxBytes);
    const known = new Uint8Array(this.#headerBytes + this.#gatheredBytes + rest.length);
    for (let index = this.#headerBytes - 1, value = this.#length; index >= 0; index--) {
      known[index] = value & 0xff;
      value >>>= 8;
    }
    known.set(this.#gathered.subarray(0, this.#gatheredBytes), this.#headerBytes);
    known.set(rest, this.#headerBytes + this.#gatheredBytes);
    return known.subarray(0, maxBytes);
  }

  #readHeader(chunk: Uint8Array): boolean {
    while (this.#headerBytes < frameHeaderBytes) {
      if (this.#position >= chunk.length) return this.#release();
      // Multiplied, not shifted: the first byte may have its high bit set.
      this.#length = this.#length * 256 + (chunk[this.#position++] as number);
      this.#headerBytes++;
    }
    return true;
  }

  /** The first bytes of a frame, which are all of it unless it is over the limit. */
  #take(length: number): Uint8Array | undefined {
    const chunk = this.#chunk;
    const start = this.#position;
    if (this.#gatheredBytes > 0 || chunk.length - start < length) return this.#gather(chunk, length);
    this.#position = start + length;
    this.#headerBytes = 0;
    this.#length = 0;
    // Not by `subarray`: a part of a Buffer is a Buffer, and values must not depend on how the bytes arrived.
    return new Uint8Array(chunk.buffer, chunk.byteOffset + start, length);
  }

  #skip(): boolean {
    const dropped = Math.min(this.#excess, this.#chunk.length - this.#position);
    this.#position += dropped;
    this.#excess -= dropped;
    return this.#excess === 0 || this.#release();
  }

  #gather(chunk: Uint8Array, length: number): Uint8Array | undefined {
    const have = this.#gatheredBytes;
    const taken = Math.min(length - have, chunk.length - this.#position);
    if (have + taken > this.#gathered.length) {
      const size = Math.min(length, Math.max(minGathered, 2 * this.#gathered.length, have + taken));
      const grown = new Uint8Array(size);
      grown.set(this.#gathered.subarray(0, have));
      this.#gathered = grown;
    }
    this.#gathered.set(chunk.subarray(this.#position, this.#position + taken), have);
    this.#position += taken;
    this.#gatheredBytes = have + taken;
    if (this.#gatheredBytes < length) {
      this.#release();
      return undefined;
    }
    const frame = this.#gathered.subarray(0, length);
    this.#gathered = nothing;
    this.#gatheredBytes = 0;
    this.#headerBytes = 0;
    this.#length = 0;
    return frame;
  }

  /** Lets go of the exhausted chunk: an idle connection must not keep it in memory. */
  #release(): false {
    this.#chunk = nothing;
    this.#position = 0;
    return false;
  }
}
