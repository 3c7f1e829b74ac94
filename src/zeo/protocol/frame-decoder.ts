import { ProtocolError } from '../../errors.js';
import { frameHeaderBytes } from './frame.js';

const nothing = new Uint8Array(0);

/** Smallest buffer in which a frame that spans chunks is gathered, in bytes. */
const minGathered = 1024;

/**
 * Cuts a byte stream into frames: a 4-byte big-endian length, then that many bytes (`ZEO/asyncio/smp.py`).
 *
 * - A frame that lies within one chunk is a view of it. One that spans chunks is copied, into a buffer that
 *   doubles as bytes arrive: the work is linear, and a length that is only announced takes no memory.
 * - A length is checked against the limit as soon as its four bytes are there.
 */
export class FrameDecoder {
  #chunk: Uint8Array = nothing;
  #position = 0;
  /** Length of the frame being read, or its first bytes while `#headerBytes` is below 4. */
  #length = 0;
  #headerBytes = 0;
  #gathered: Uint8Array = nothing;
  #gatheredBytes = 0;

  /** Hands over the next bytes. Every frame of the chunk before must have been taken with {@link next}. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#position = 0;
  }

  /**
   * The next whole frame without its length, or `undefined` when more bytes are needed.
   *
   * @throws ProtocolError `ERR_ZEO_FRAME_TOO_LARGE` when the announced length is over `maxBytes`.
   */
  next(maxBytes: number): Uint8Array | undefined {
    const chunk = this.#chunk;
    if (this.#headerBytes < frameHeaderBytes && !this.#readHeader(chunk)) return undefined;
    const length = this.#length;
    if (length > maxBytes) {
      throw new ProtocolError(`Frame of ${length} bytes announced, the limit is ${maxBytes}`, {
        code: 'ERR_ZEO_FRAME_TOO_LARGE',
      });
    }
    const start = this.#position;
    if (this.#gatheredBytes === 0 && chunk.length - start >= length) {
      this.#position = start + length;
      this.#headerBytes = 0;
      this.#length = 0;
      // Not by `subarray`: a part of a Buffer is a Buffer, and values must not depend on how the bytes arrived.
      return new Uint8Array(chunk.buffer, chunk.byteOffset + start, length);
    }
    return this.#gather(chunk, length);
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

  /** Lets go of the exhausted chunk: an idle connection must not keep the socket's read buffer alive. */
  #release(): false {
    this.#chunk = nothing;
    this.#position = 0;
    return false;
  }
}
