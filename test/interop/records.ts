import { PickleEncoder } from '#src/zeo/encoding/pickle-encoder.js';
import type { Value } from '#src/zeo/encoding/values.js';

const pickler = new PickleEncoder();

/** One of the two pickles of a record, as ZODB writes it. */
function pickle(value: Value): Uint8Array {
  return pickler.encodeFrame(value, 2 ** 20).subarray(4);
}

/** The record of an instance of a Python class with this state. */
export function recordOf(module: string, name: string, state: Value): Uint8Array {
  const named = Buffer.from(`\x80\x03c${module}\n${name}\n.`, 'latin1');
  return Uint8Array.from(Buffer.concat([named, pickle(state)]));
}

/** The record of a `PersistentMapping` with these items. */
export function mappingRecord(items: { readonly [key: string]: Value }): Uint8Array {
  return recordOf('persistent.mapping', 'PersistentMapping', { data: items });
}

/** The record of a `BTrees.Length`, which resolves conflicts by adding. */
export function lengthRecord(value: number): Uint8Array {
  return recordOf('BTrees.Length', 'Length', value);
}
