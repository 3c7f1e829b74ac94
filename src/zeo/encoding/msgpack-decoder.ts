import { Decoder } from '@msgpack/msgpack';
import { ProtocolError } from '../../model/errors.js';
import { toInteger } from '../../pickle/number.js';
import { scanMsgpack } from './msgpack-scan.js';
import type { Value } from './values.js';

/**
 * The library refuses `__proto__` as a key by itself. Integers as keys, which it allows, would become text.
 *
 * One quirk is left to it: of a text of more than 200 bytes it drops a leading byte order mark.
 */
const options = { mapKeyConverter: textKey };
const decoder = new Decoder(options);

/** A decoder keeps the message it decoded last; for one longer than this a new one is taken. In bytes. */
const keptBytes = 64 * 1024;

/**
 * The value of one msgpack message. Bytes are views into it.
 *
 * @throws ProtocolError for anything else than one well-formed message of the types that ZEO uses.
 */
export function decodeMsgpack(bytes: Uint8Array): Value {
  const { hasMap, hasBigInteger } = scanMsgpack(bytes);
  let value: Value;
  try {
    value = decoderFor(bytes, hasBigInteger).decode(bytes) as Value;
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError('Message is not valid msgpack', { cause });
  }
  return hasMap || hasBigInteger ? corrected(value) : value;
}

function decoderFor(bytes: Uint8Array, useBigInt64: boolean): Decoder {
  return useBigInt64 || bytes.length > keptBytes ? new Decoder({ ...options, useBigInt64 }) : decoder;
}

function textKey(key: unknown): string {
  if (typeof key !== 'string') throw new ProtocolError('Msgpack map has a key other than text');
  return key;
}

/**
 * The library's objects have a prototype, and its 64-bit integers are either all exact or all numbers.
 * Recursive: the scan has bounded the depth.
 */
function corrected(value: Value): Value {
  if (typeof value === 'bigint') return toInteger(value);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = corrected(value[index]);
    return value;
  }
  const dict = Object.create(null);
  for (const [key, item] of Object.entries(value)) dict[key] = corrected(item);
  return dict;
}
