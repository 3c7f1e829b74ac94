import { latin1 } from '../pickle/text.js';

/**
 * An object's attributes, from a state as Python's `object.__reduce_ex__` and `Persistent.__getstate__` write it:
 * `__dict__`, or `(__dict__ or None, slots)`. Empty for a state of any other shape.
 */
export function attributesOf(state: unknown): ReadonlyMap<string, unknown> {
  const attributes = new Map<string, unknown>();
  const dicts = (Array.isArray(state) && state.length === 2 ? state : [state]).map(entriesOf);
  if (dicts.includes(undefined)) return attributes;
  for (const dict of dicts) {
    for (const [key, value] of dict ?? []) {
      // Names written by Python 2 may still be bytes.
      const name = key instanceof Uint8Array ? latin1(key) : key;
      if (typeof name === 'string') attributes.set(name, value);
    }
  }
  return attributes;
}

/** The entries of a dict: a `Map` in a record, usually an object without a prototype in a message. `None` has none. */
function entriesOf(dict: unknown): Iterable<readonly [unknown, unknown]> | undefined {
  if (dict instanceof Map) return dict;
  if (dict === null) return [];
  const isDict = typeof dict === 'object' && Object.getPrototypeOf(dict) === null;
  return isDict ? Object.entries(dict as object) : undefined;
}
