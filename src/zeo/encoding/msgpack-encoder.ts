import { Encoder } from '@msgpack/msgpack';
import { toInteger } from '../../pickle/number.js';
import {
  assertDepth,
  assertPlainObject,
  assertWellFormed,
  cannotEncode,
  frameTooLarge,
} from './encode-error.js';
import { frameOf } from './frame.js';
import type { Value } from './values.js';

const smallestInteger = -(2n ** 63n);
const largestInteger = 2n ** 64n - 1n;
/** A buffer that has grown beyond this is not kept for the next message, in bytes. */
const keptBytes = 64 * 1024;

/**
 * Writes values as ZEO does with `msgpack true`: text as `str`, bytes as `bin` (`use_bin_type`).
 *
 * A number that is a safe integer is written as `int`, so that -0 becomes 0; any other as `float`.
 */
export class MsgpackEncoder {
  #encoder = newEncoder();

  /**
   * One message with its frame header.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for what has no form in msgpack, `ERR_ZEO_FRAME_TOO_LARGE`
   * for more than `maxFrameBytes`.
   */
  encodeFrame(value: Value, maxFrameBytes: number): Uint8Array {
    const payload = this.#encoder.encodeSharedRef(prepared(value, 1));
    if (payload.length > keptBytes) this.#encoder = newEncoder();
    if (payload.length > maxFrameBytes) throw frameTooLarge(payload.length, maxFrameBytes);
    return frameOf(payload);
  }
}

function newEncoder(): Encoder {
  return new Encoder({ useBigInt64: true });
}

/**
 * The value as the library has to be given it: it writes `undefined` as nil, lone surrogates as they are, and,
 * when it is to know bigints, a number beyond 32 bits as a float.
 */
function prepared(value: Value, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      assertWellFormed(value);
      return value;
    case 'number':
      return preparedNumber(value);
    case 'bigint':
      return preparedBigint(value);
    case 'boolean':
      return value;
    case 'object':
      return value === null || value instanceof Uint8Array ? value : preparedContainer(value, depth);
    default:
      throw cannotEncode(`a value of type ${typeof value}`);
  }
}

function preparedNumber(value: number): number | bigint {
  const isWide = Number.isSafeInteger(value) && (value > 0xffff_ffff || value < -0x8000_0000);
  return isWide ? BigInt(value) : value;
}

function preparedBigint(value: bigint): number | bigint {
  if (value < smallestInteger || value > largestInteger)
    throw cannotEncode('an integer of more than 64 bits');
  const integer = toInteger(value);
  return typeof integer === 'number' ? preparedNumber(integer) : integer;
}

function preparedContainer(value: object, depth: number): unknown {
  assertDepth(depth);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    // By index: a hole in a sparse array must be an error, not nil.
    for (let index = 0; index < value.length; index++) items.push(prepared(value[index], depth + 1));
    return items;
  }
  if (!(value instanceof Map)) assertPlainObject(value);
  const dict = Object.create(null);
  for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
    if (typeof key !== 'string') throw cannotEncode('a dict with other keys than text as msgpack');
    // The library does not decode it either, so that no peer of ours could read it.
    if (key === '__proto__') throw cannotEncode('the key __proto__ as msgpack');
    assertWellFormed(key);
    dict[key] = prepared(item, depth + 1);
  }
  return dict;
}
