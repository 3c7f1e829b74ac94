import { frameHeaderBytes } from '../encoding/frame.js';

const nothing = new Uint8Array(0);

/** Initial size, in bytes, of the buffer for a frame that spans chunks. */
const minGathered = 1024;

/** The head of a frame over the limit; the rest is dropped as it arrives. */
export interface OversizedFrame {
  /** Length of the whole frame, in bytes. */
  readonly length: number;
  /** Its first `headBytes` bytes, or the whole frame if that is shorter. */
  readonly head: Uint8Array;
}

/**
 * Cuts a byte stream into frames: a 4-byte big-endian length, then that many bytes (`ZEO/asyncio/smp.py`).
 *
 * Rules:
 * - A frame within one chunk is a view of it. One that spans chunks is copied into a buffer that doubles as bytes arrive:
 *   the work is linear, and an announced length alone allocates nothing.
 * - A length is checked against the limit as soon as its four bytes have arrived.
 * - A frame over the limit is skipped, however long: its four length bytes bound it at 4 GiB, it takes no memory, and a peer
 *   that wants to waste time can do so with small frames as well. A peer that stops midway is as silent as any other.
 */
export class FrameDecoder {
  #chunk: Uint8Array = nothing;
  #position = 0;
  /** Length of the frame being read; while `#headerBytes` is below 4, the value of the bytes read so far. */
  #length = 0;
  #headerBytes = 0;
  #gathered: Uint8Array = nothing;
  #gatheredBytes = 0;
  /** Bytes still to be dropped of a frame over the limit. */
  #excess = 0;

  /** Sets the next chunk. All frames of the previous one must have been taken with {@link next}. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#position = 0;
  }

  /**
   * The next frame without its length prefix; `undefined` if more bytes are needed. For a frame longer than `maxBytes`, its
   * head, as soon as `headBytes` of it have arrived.
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
   * The first bytes of the frame being read, including its length prefix: for the error about a peer that speaks another
   * protocol.
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

  /** The first `length` bytes of the frame: all of it, unless it is over the limit. */
  #take(length: number): Uint8Array | undefined {
    const chunk = this.#chunk;
    const start = this.#position;
    if (this.#gatheredBytes > 0 || chunk.length - start < length) return this.#gather(chunk, length);
    this.#position = start + length;
    this.#headerBytes = 0;
    this.#length = 0;
    // Not `subarray`: for a Buffer it returns a Buffer, and the type of values must not depend on how the bytes arrived.
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
