import { PickleEncoder } from '#src/zeo/encoding/pickle-encoder.js';
import type { Value } from '#src/zeo/encoding/values.js';

const pickler = new PickleEncoder();

/** One pickle, as ZODB writes a record's two. */
function pickle(value: Value): Uint8Array {
  return pickler.encodeFrame(value, 2 ** 20).subarray(4);
}

/** A record of an object of a Python class that has that state. */
export function recordOf(module: string, name: string, state: Value): Uint8Array {
  const named = Buffer.from(`\x80\x03c${module}\n${name}\n.`, 'latin1');
  return Uint8Array.from(Buffer.concat([named, pickle(state)]));
}

/** A record that ZODB reads as a `PersistentMapping` with these items. */
export function mappingRecord(items: { readonly [key: string]: Value }): Uint8Array {
  return recordOf('persistent.mapping', 'PersistentMapping', { data: items });
}

/** A record of `BTrees.Length`, whose class resolves conflicts by adding. */
export function lengthRecord(value: number): Uint8Array {
  return recordOf('BTrees.Length', 'Length', value);
}
