import { ProtocolError } from '../../model/errors.js';
import { maxDepth } from '../../pickle/limits.js';
import { PythonGlobal } from '../../python/global.js';
import { PythonObject } from '../../python/object.js';
import { isDict, PythonException } from './values.js';

/** The size of a value; shared parts count each time. */
export interface TreeSize {
  /** The value itself and all values in it. */
  readonly count: number;
  /** The total length of texts, keys, bytes, class names and the digits of big integers. */
  readonly length: number;
}

/**
 * Measures a decoded value, which must be free of cycles, without recursion.
 *
 * @throws ProtocolError for one that is larger than `max`, or deeper than `maxDepth`.
 */
export function measureTree(root: unknown, max: TreeSize): TreeSize {
  const pending: unknown[] = [root];
  const depths: number[] = [0];
  let count = 0;
  let length = 0;
  while (pending.length > 0) {
    const value = pending.pop();
    const depth = (depths.pop() as number) + 1;
    if (++count > max.count) throw new ProtocolError('Message holds too many values');
    length += ownLength(value);
    if (length > max.length) throw new ProtocolError('Message repeats too much by reference');
    const children = childrenOf(value);
    if (children === undefined) continue;
    if (depth > maxDepth) throw new ProtocolError(`Message nests deeper than ${maxDepth} levels`);
    // Pushed only if they fit, so that the stack of the walk is bounded as well.
    if (count + pending.length + children.length > max.count) {
      throw new ProtocolError('Message holds too many values');
    }
    for (const child of children) {
      pending.push(child);
      depths.push(depth);
    }
  }
  return { count, length };
}

function childrenOf(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined;
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof PythonException) return [value.args, value.state];
  if (value instanceof PythonGlobal) return [];
  if (value instanceof PythonObject) {
    const { args, state, items = [], entries = new Map() } = value;
    return [value.class, args, state, items, entries];
  }
  return Object.values(value);
}

/** Without the values in it. */
function ownLength(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (typeof value === 'bigint') return value.toString(16).length;
  if (value instanceof PythonException) return value.className.length;
  if (value instanceof PythonGlobal) return value.module.length + value.name.length;
  return isDict(value) ? Object.keys(value).reduce((sum, key) => sum + key.length, 0) : 0;
}
