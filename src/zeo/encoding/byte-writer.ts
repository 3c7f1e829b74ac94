import { assertWellFormed, frameTooLarge } from './encode-error.js';
import { frameHeaderBytes } from './frame.js';

const initialBytes = 1024;
/** A buffer that has grown beyond this is not kept for the next message, in bytes. */
const keptBytes = 64 * 1024;
/** Up to this length a loop beats the call into `TextEncoder`, in UTF-16 units. */
const shortText = 24;

const utf8 = new TextEncoder();

/** One growing buffer for message after message; each is copied out once, with its frame header. */
export class ByteWriter {
  #bytes = new Uint8Array(initialBytes);
  #view = new DataView(this.#bytes.buffer);
  #end = frameHeaderBytes;

  /** Starts a new message, whether or not the one before was finished. */
  begin(): void {
    this.#end = frameHeaderBytes;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#end++] = value;
  }

  /** One byte, then another: an opcode and its one-byte argument. */
  u8Pair(first: number, second: number): void {
    this.#reserve(2);
    this.#bytes[this.#end++] = first;
    this.#bytes[this.#end++] = second;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#end, value, true);
    this.#end += 2;
  }

  /** Four bytes, little-endian; negative values as two's complement. */
  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#end, value, true);
    this.#end += 4;
  }

  /** Two bytes, big-endian; negative values as two's complement, as with all integers. */
  u16be(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#end, value);
    this.#end += 2;
  }

  u32be(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#end, value);
    this.#end += 4;
  }

  u64be(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#end, value);
    this.#end += 8;
  }

  /** Eight bytes, big-endian. */
  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#end, value, false);
    this.#end += 8;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
  }

  /**
   * An opcode, the length of the text in UTF-8 in four bytes little-endian, and the text.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for a lone surrogate: it has no UTF-8.
   */
  text(opcode: number, value: string): void {
    // A UTF-16 unit takes at most three bytes.
    this.#reserve(5 + value.length * 3);
    const start = this.#end + 5;
    const written = this.#writeText(value, start);
    this.#bytes[this.#end] = opcode;
    this.#view.setUint32(this.#end + 1, written, true);
    this.#end = start + written;
  }

  /**
   * Text in UTF-8, without its length.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for a lone surrogate: it has no UTF-8.
   */
  utf8(value: string): void {
    this.#reserve(value.length * 3);
    this.#end += this.#writeText(value, this.#end);
  }

  /**
   * The message as one frame.
   *
   * @throws KeepAliveError `ERR_ZEO_FRAME_TOO_LARGE` when it has more than `maxFrameBytes`.
   */
  finish(maxFrameBytes: number): Uint8Array {
    const length = this.#end - frameHeaderBytes;
    const written = this.#bytes;
    this.#view.setUint32(0, length, false);
    if (written.length > keptBytes) {
      this.#bytes = new Uint8Array(initialBytes);
      this.#view = new DataView(this.#bytes.buffer);
    }
    if (length > maxFrameBytes) throw frameTooLarge(length, maxFrameBytes);
    // From Node's pool: memory of its own would cost more than the rest of a ping. And a Buffer, since a
    // socket makes one of anything else.
    const frame = Buffer.allocUnsafe(this.#end);
    frame.set(written.subarray(0, this.#end));
    return frame;
  }

  /** @returns how many bytes it takes; there has to be room for them. */
  #writeText(value: string, start: number): number {
    return this.#writeShortAscii(value, start) ? value.length : this.#writeUtf8(value, start);
  }

  #writeShortAscii(value: string, start: number): boolean {
    if (value.length > shortText) return false;
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      this.#bytes[start + index] = unit;
    }
    return true;
  }

  #writeUtf8(value: string, start: number): number {
    assertWellFormed(value);
    return utf8.encodeInto(value, this.#bytes.subarray(start)).written;
  }

  #reserve(count: number): void {
    const needed = this.#end + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
