import { ProtocolError } from '../../errors.js';
import { maxDepth } from './limits.js';
import { PythonException } from './values.js';

/**
 * Walks a decoded value without recursion and counts what is in it; a value that is reached twice counts twice.
 * The value must be free of cycles.
 *
 * @throws ProtocolError when it counts more than `maxCount` values, or nests deeper than `maxDepth`.
 */
export function measureTree(root: unknown, maxCount: number): number {
  const pending: unknown[] = [root];
  const depths: number[] = [0];
  let count = 0;
  while (pending.length > 0) {
    const value = pending.pop();
    const depth = (depths.pop() as number) + 1;
    if (++count > maxCount) throw new ProtocolError('Message holds too many values');
    const children = childrenOf(value);
    if (children === undefined) continue;
    if (depth > maxDepth) throw new ProtocolError(`Message nests deeper than ${maxDepth} levels`);
    // Pushed only when they fit, so that the stack of this walk is bounded like the walk itself.
    if (count + pending.length + children.length > maxCount) {
      throw new ProtocolError('Message holds too many values');
    }
    for (const child of children) {
      pending.push(child);
      depths.push(depth);
    }
  }
  return count;
}

function childrenOf(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined;
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof PythonException) return [value.args, value.state];
  return Object.values(value);
}
