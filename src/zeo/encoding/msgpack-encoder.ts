import { toInteger } from '../../pickle/number.js';
import { ByteWriter } from './byte-writer.js';
import { assertDepth, assertPlainObject, cannotEncode } from './encode-error.js';
import type { Value } from './values.js';

const smallestInteger = -(2n ** 63n);
const largestInteger = 2n ** 64n - 1n;

/** The first bytes of a type with a length: one that holds a short length itself, and those before one or two bytes of length. */
interface Heads {
  readonly short?: number;
  readonly maxShort?: number;
  readonly one?: number;
  /** The head before four bytes is the next one. */
  readonly two: number;
}

const text: Heads = { short: 0xa0, maxShort: 31, one: 0xd9, two: 0xda };
const binary: Heads = { one: 0xc4, two: 0xc5 };
const array: Heads = { short: 0x90, maxShort: 15, two: 0xdc };
const map: Heads = { short: 0x80, maxShort: 15, two: 0xde };

/**
 * Writes values as ZEO does with `msgpack true`: text as `str`, bytes as `bin` (`use_bin_type`).
 *
 * A number that is a safe integer is written as `int`, any other, -0 included, as `float`.
 */
export class MsgpackEncoder {
  readonly #writer = new ByteWriter();

  /**
   * One message with its frame header.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for what msgpack cannot carry, `ERR_ZEO_FRAME_TOO_LARGE`
   * for more than `maxFrameBytes`.
   */
  encodeFrame(value: Value, maxFrameBytes: number): Uint8Array {
    this.#writer.begin();
    this.#write(value, 1);
    return this.#writer.finish(maxFrameBytes);
  }

  #write(value: Value, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#writeText(value);
        break;
      case 'number':
        this.#writeNumber(value);
        break;
      case 'boolean':
        this.#writer.u8(value ? 0xc3 : 0xc2);
        break;
      case 'bigint':
        this.#writeBigint(value);
        break;
      case 'object':
        if (value === null) this.#writer.u8(0xc0);
        else if (value instanceof Uint8Array) this.#writeBytes(value);
        else this.#writeContainer(value, depth);
        break;
      default:
        throw cannotEncode(`a value of type ${typeof value}`);
    }
  }

  #writeContainer(value: object, depth: number): void {
    assertDepth(depth);
    if (Array.isArray(value)) {
      this.#writeHead(array, value.length);
      // By index: a hole in a sparse array must be an error, not a shorter array.
      for (let index = 0; index < value.length; index++) this.#write(value[index], depth + 1);
      return;
    }
    if (!(value instanceof Map)) assertPlainObject(value);
    const entries: readonly [Value, Value][] = value instanceof Map ? [...value] : Object.entries(value);
    this.#writeHead(map, entries.length);
    for (const [key, item] of entries) {
      this.#write(key, depth + 1);
      this.#write(item, depth + 1);
    }
  }

  #writeText(value: string): void {
    this.#writeHead(text, Buffer.byteLength(value));
    this.#writer.utf8(value);
  }

  #writeBytes(value: Uint8Array): void {
    this.#writeHead(binary, value.length);
    this.#writer.bytes(value);
  }

  #writeHead({ short = 0, maxShort = -1, one, two }: Heads, length: number): void {
    const writer = this.#writer;
    if (length <= maxShort) {
      writer.u8(short | length);
    } else if (length <= 0xff && one !== undefined) {
      writer.u8Pair(one, length);
    } else if (length <= 0xffff) {
      writer.u8(two);
      writer.u16be(length);
    } else {
      writer.u8(two + 1);
      writer.u32be(length);
    }
  }

  #writeNumber(value: number): void {
    const writer = this.#writer;
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      writer.u8(0xcb);
      writer.f64(value);
    } else if (value >= -0x20 && value <= 0x7f) {
      writer.u8(value);
    } else if (value >= -0x80 && value <= 0xff) {
      writer.u8Pair(value < 0 ? 0xd0 : 0xcc, value);
    } else if (value >= -0x8000 && value <= 0xffff) {
      writer.u8(value < 0 ? 0xd1 : 0xcd);
      writer.u16be(value);
    } else if (value >= -0x8000_0000 && value <= 0xffff_ffff) {
      writer.u8(value < 0 ? 0xd2 : 0xce);
      writer.u32be(value);
    } else {
      this.#writeInteger8(BigInt(value));
    }
  }

  #writeBigint(value: bigint): void {
    const integer = toInteger(value);
    if (typeof integer === 'number') this.#writeNumber(integer);
    else if (value < smallestInteger || value > largestInteger)
      throw cannotEncode('an integer of more than 64 bits');
    else this.#writeInteger8(value);
  }

  #writeInteger8(value: bigint): void {
    this.#writer.u8(value < 0n ? 0xd3 : 0xcf);
    this.#writer.u64be(value);
  }
}
