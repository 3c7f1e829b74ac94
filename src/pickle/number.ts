import { ProtocolError } from '../model/errors.js';
import { maxIntegerBytes } from './limits.js';

/** A float as Python writes it. */
const floatText = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf|nan)$/;
const integerText = /^[+-]?\d+$/;

/**
 * An integer in two's complement, little-endian, of any length (`pickle.py: decode_long`).
 *
 * @throws ProtocolError if it is longer than `maxIntegerBytes`.
 */
export function decodeLong(bytes: Uint8Array): number | bigint {
  const { length } = bytes;
  if (length > maxIntegerBytes)
    throw new ProtocolError(`Integer of ${length} bytes, the limit is ${maxIntegerBytes}`);
  if (length === 0) return 0;
  const negative = (bytes[length - 1] as number) > 0x7f;
  if (length <= 6) {
    let value = 0;
    for (let index = length - 1; index >= 0; index--) value = value * 256 + (bytes[index] as number);
    return negative ? value - 256 ** length : value;
  }
  let hex = '';
  for (let index = length - 1; index >= 0; index--)
    hex += (bytes[index] as number).toString(16).padStart(2, '0');
  const value = BigInt(`0x${hex}`);
  return toInteger(negative ? value - (1n << BigInt(8 * length)) : value);
}

/** The shortest two's complement of an integer, little-endian. The inverse of {@link decodeLong}. */
export function encodeLong(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  // The sign bit needs room, too: 128 takes two bytes, -128 one.
  const magnitude = value < 0n ? -value - 1n : value;
  const length = (bitLength(magnitude) >> 3) + 1;
  let hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0');
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    bytes[index] = Number.parseInt(hex.slice(-2), 16);
    hex = hex.slice(0, -2);
  }
  return bytes;
}

function bitLength(magnitude: bigint): number {
  return magnitude === 0n ? 0 : magnitude.toString(2).length;
}

/** The argument of `INT`: decimal, or `00` and `01`, which are the booleans of protocol 0. */
export function parseIntegerOrBoolean(text: string): number | bigint | boolean {
  if (text === '00') return false;
  if (text === '01') return true;
  return parseLong(text);
}

/** The argument of `LONG`: decimal, with an optional `L`. */
export function parseLong(text: string): number | bigint {
  const digits = text.endsWith('L') ? text.slice(0, -1) : text;
  if (!integerText.test(digits)) throw new ProtocolError('Malformed integer in pickle');
  // BigInt does not accept a plus sign.
  return toInteger(BigInt(digits.startsWith('+') ? digits.slice(1) : digits));
}

/** The argument of `FLOAT`. */
export function parseFloatText(text: string): number {
  if (!floatText.test(text)) throw new ProtocolError('Malformed float in pickle');
  if (text.endsWith('nan')) return Number.NaN;
  if (text.endsWith('inf')) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

/** A Python `int`: a number if that is exact, else a bigint. */
export function toInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
