import { ProtocolError } from '../model/errors.js';
import { printableBytes } from '../model/printable.js';
import { decodeText } from './text.js';

/** Longest argument of a text opcode, in bytes: protocols 0 to 2 end them with a newline. */
const maxLineBytes = 1024;

/**
 * A cursor over a pickle. Every read is checked against the remaining bytes before anything is allocated.
 *
 * All methods throw a ProtocolError if the pickle ends too early.
 */
export class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  u8(): number {
    const byte = this.#bytes[this.#position++];
    if (byte === undefined) throw truncated();
    return byte;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** A length in eight bytes. One beyond 2^53 is over any limit and need not be exact. */
  length8(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number): string {
    const start = this.#take(length);
    return decodeText(this.#bytes, start, start + length);
  }

  /** The bytes up to the next newline, which is consumed; the search for it is bounded. */
  line(limit = maxLineBytes): Uint8Array {
    const start = this.#position;
    const length = this.#bytes.subarray(start, start + limit + 1).indexOf(0x0a);
    if (length < 0) throw new ProtocolError('Pickle has a text argument without an end');
    this.#position = start + length + 1;
    return this.#bytes.subarray(start, start + length);
  }

  /** A line of ASCII. Anything else in it is escaped, so that it matches no syntax. */
  asciiLine(): string {
    return printableBytes(this.line(), maxLineBytes);
  }

  #take(count: number): number {
    const start = this.#position;
    if (count > this.#bytes.length - start) throw truncated();
    this.#position = start + count;
    return start;
  }
}

function truncated(): ProtocolError {
  return new ProtocolError('Pickle ends in the middle of a value');
}
