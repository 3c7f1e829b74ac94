import { maxIntegerBytes } from '../../pickle/limits.js';
import { encodeLong } from '../../pickle/number.js';
import { op } from '../../pickle/opcode.js';
import { PythonGlobal } from '../../python/global.js';
import { PythonObject } from '../../python/object.js';
import { ByteWriter } from './byte-writer.js';
import { assertDepth, assertPlainObject, cannotEncode } from './encode-error.js';
import { isMadeByNew, isPythonBuiltin } from './python-builtins.js';
import type { Value } from './values.js';

const pickleProtocol = 3;

/**
 * Writes values as ZEO's own "fast" pickler does: protocol 3, no memo (`ZEO/asyncio/marshal.py: encoder`).
 *
 * A number that is a safe integer is written as `int`, any other, -0 included, as `float`.
 */
export class PickleEncoder {
  readonly #writer = new ByteWriter();

  /**
   * One message with its frame header.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for what pickle cannot carry, `ERR_ZEO_FRAME_TOO_LARGE`
   * for more than `maxFrameBytes`.
   */
  encodeFrame(value: Value, maxFrameBytes: number): Uint8Array {
    const writer = this.#writer;
    writer.begin();
    writer.u8Pair(op.proto, pickleProtocol);
    this.#write(value, 1);
    writer.u8(op.stop);
    return writer.finish(maxFrameBytes);
  }

  #write(value: Value, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#writer.text(op.binUnicode, value);
        break;
      case 'number':
        this.#writeNumber(value);
        break;
      case 'boolean':
        this.#writer.u8(value ? op.newTrue : op.newFalse);
        break;
      case 'bigint':
        this.#writeLong(value);
        break;
      case 'object':
        if (value === null) this.#writer.u8(op.none);
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
      this.#writeTuple(value, depth + 1);
    } else if (value instanceof Map) {
      this.#writeDict(value, depth + 1);
    } else if (value instanceof PythonGlobal) {
      this.#writeGlobal(value);
    } else if (value instanceof PythonObject) {
      this.#writeObject(value, depth + 1);
    } else {
      assertPlainObject(value);
      this.#writeDict(Object.entries(value), depth + 1);
    }
  }

  #writeNumber(value: number): void {
    const writer = this.#writer;
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      writer.u8(op.binFloat);
      writer.f64(value);
    } else if (value >= 0 && value <= 0xff) {
      writer.u8Pair(op.binInt1, value);
    } else if (value >= 0 && value <= 0xffff) {
      writer.u8(op.binInt2);
      writer.u16(value);
    } else if (value >= -0x8000_0000 && value <= 0x7fff_ffff) {
      writer.u8(op.binInt);
      writer.u32(value);
    } else {
      this.#writeLong(BigInt(value));
    }
  }

  #writeLong(value: bigint): void {
    const writer = this.#writer;
    const bytes = encodeLong(value);
    if (bytes.length > maxIntegerBytes) throw cannotEncode(`an integer of ${bytes.length} bytes`);
    if (bytes.length <= 0xff) {
      writer.u8Pair(op.long1, bytes.length);
    } else {
      writer.u8(op.long4);
      writer.u32(bytes.length);
    }
    writer.bytes(bytes);
  }

  #writeBytes(value: Uint8Array): void {
    const writer = this.#writer;
    if (value.length <= 0xff) {
      writer.u8Pair(op.shortBinBytes, value.length);
    } else {
      writer.u8(op.binBytes);
      writer.u32(value.length);
    }
    writer.bytes(value);
  }

  #writeTuple(items: readonly Value[], depth: number): void {
    const writer = this.#writer;
    if (items.length === 0) {
      writer.u8(op.emptyTuple);
      return;
    }
    if (items.length > 3) writer.u8(op.mark);
    // By index: a hole in a sparse array must be an error, not a shorter tuple.
    for (let index = 0; index < items.length; index++) this.#write(items[index] as Value, depth);
    writer.u8(items.length > 3 ? op.tuple : op.tuple1 + items.length - 1);
  }

  /** Only types that clients may send as well. */
  #writeGlobal({ module, name }: PythonGlobal): void {
    if (!isPythonBuiltin(module, name)) throw cannotEncode(`the class or function ${module}.${name}`);
    this.#writer.u8(op.global);
    this.#writer.bytes(Buffer.from(`${module}\n${name}\n`));
  }

  /** The call of its pickle, then the items, entries and state. */
  #writeObject({ class: callee, args, kwargs, state, items, entries }: PythonObject, depth: number): void {
    const writer = this.#writer;
    if (kwargs !== undefined) throw cannotEncode('a call with keyword arguments');
    this.#write(callee as Value, depth);
    this.#writeTuple(args as readonly Value[], depth);
    writer.u8(isMadeByNew(callee) ? op.newObj : op.reduce);
    if (items !== undefined) {
      writer.u8(op.mark);
      for (const item of items) this.#write(item as Value, depth);
      writer.u8(op.appends);
    }
    if (entries !== undefined) this.#setItems(entries as ReadonlyMap<Value, Value>, depth);
    if (state !== undefined) {
      this.#write(state as Value, depth);
      writer.u8(op.build);
    }
  }

  #writeDict(entries: Iterable<readonly [Value, Value]>, depth: number): void {
    this.#writer.u8(op.emptyDict);
    this.#setItems(entries, depth);
  }

  #setItems(entries: Iterable<readonly [Value, Value]>, depth: number): void {
    const writer = this.#writer;
    writer.u8(op.mark);
    for (const [key, value] of entries) {
      this.#write(key, depth);
      this.#write(value, depth);
    }
    writer.u8(op.setItems);
  }
}
