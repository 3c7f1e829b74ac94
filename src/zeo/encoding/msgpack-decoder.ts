import { ProtocolError } from '../../model/errors.js';
import { bytesCost, maxDepth, maxValues, objectCost } from '../../pickle/limits.js';
import { toInteger } from '../../pickle/number.js';
import { decodeText } from '../../pickle/text.js';
import { isDict, type Value } from './values.js';

/**
 * The value of one msgpack message. Bytes are views into it.
 *
 * Rules that keep it harmless, whatever the bytes:
 * - Every length is checked against the bytes that are left, and charged for, before memory is taken.
 * - The recursion is as deep as containers may nest.
 *
 * @throws ProtocolError for anything else than one well-formed message of the types that ZEO uses.
 */
export function decodeMsgpack(bytes: Uint8Array): Value {
  return new MsgpackMessage(bytes).read();
}

class MsgpackMessage {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  #budget = maxValues;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): Value {
    const value = this.#value(1);
    const remaining = this.#bytes.length - this.#position;
    if (remaining > 0) throw new ProtocolError(`Message is followed by ${remaining} bytes`);
    return value;
  }

  #value(depth: number): Value {
    const head = this.#view.getUint8(this.#take(1));
    if (head <= 0x7f) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head <= 0x8f) return this.#map(head & 0x0f, depth);
    if (head <= 0x9f) return this.#array(head & 0x0f, depth);
    if (head <= 0xbf) return this.#text(head & 0x1f);
    return this.#headedValue(head, depth);
  }

  #headedValue(head: number, depth: number): Value {
    const view = this.#view;
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return head === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#binary(this.#unsigned(head - 0xc4));
      case 0xca:
        return view.getFloat32(this.#take(4));
      case 0xcb:
        return view.getFloat64(this.#take(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(head - 0xcc);
      case 0xcf:
        return toInteger(view.getBigUint64(this.#take(8)));
      case 0xd0:
        return view.getInt8(this.#take(1));
      case 0xd1:
        return view.getInt16(this.#take(2));
      case 0xd2:
        return view.getInt32(this.#take(4));
      case 0xd3:
        return toInteger(view.getBigInt64(this.#take(8)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#unsigned(head - 0xd9));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(head - 0xdb), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(head - 0xdd), depth);
      default:
        throw new ProtocolError(`Msgpack type 0x${head.toString(16)} is not allowed`);
    }
  }

  #array(length: number, depth: number): Value {
    this.#enter(length, 1, depth);
    const items: Value[] = [];
    for (let index = 0; index < length; index++) items.push(this.#value(depth + 1));
    return items;
  }

  /** A dict, or a Map as soon as there is a key other than text. */
  #map(length: number, depth: number): Value {
    this.#enter(2 * length, objectCost + 1, depth);
    // No prototype: `__proto__` is a key like any other.
    const dict = Object.create(null);
    let map: Map<Value, Value> | undefined;
    for (let index = 0; index < length; index++) {
      const key = this.#value(depth + 1);
      const value = this.#value(depth + 1);
      if (typeof key === 'string' && map === undefined) {
        dict[key] = value;
      } else {
        if (!isHashable(key)) throw new ProtocolError('Msgpack map has a map in a key');
        map ??= new Map<Value, Value>(Object.entries(dict));
        map.set(key, value);
      }
    }
    return map ?? dict;
  }

  #binary(length: number): Uint8Array {
    // Its container has paid for one value.
    this.#spend(bytesCost - 1);
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  #text(length: number): string {
    const start = this.#take(length);
    return decodeText(this.#bytes, start, start + length);
  }

  /** An unsigned integer of one, two or four bytes. @param size the logarithm of how many */
  #unsigned(size: number): number {
    const start = this.#take(1 << size);
    if (size === 0) return this.#view.getUint8(start);
    return size === 1 ? this.#view.getUint16(start) : this.#view.getUint32(start);
  }

  /** Pays for a container and its values, before there is any. */
  #enter(values: number, cost: number, depth: number): void {
    this.#spend(cost + values);
    if (depth > maxDepth) throw new ProtocolError(`Message nests deeper than ${maxDepth} levels`);
    // Each value takes a byte at least.
    if (values > this.#bytes.length - this.#position) throw truncated();
  }

  #spend(cost: number): void {
    this.#budget -= cost;
    if (this.#budget < 0) throw new ProtocolError('Message holds too many values');
  }

  /** Moves past bytes, which have to be there. @returns where they start */
  #take(count: number): number {
    const start = this.#position;
    if (count > this.#bytes.length - start) throw truncated();
    this.#position = start + count;
    return start;
  }
}

/** Whether it can be a key in Python, where a list is read as a tuple. */
function isHashable(key: Value): boolean {
  return Array.isArray(key) ? key.every(isHashable) : !(key instanceof Map) && !isDict(key);
}

function truncated(): ProtocolError {
  return new ProtocolError('Message ends in the middle of a value');
}
