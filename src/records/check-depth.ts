import { ProtocolError } from '../model/errors.js';
import { PythonDateTime, PythonTime } from '../python/date-time.js';
import { PythonObject } from '../python/object.js';
import { PersistentReference } from '../python/persistent-reference.js';

interface Visit {
  readonly value: object;
  readonly children: readonly unknown[];
  next: number;
  height: number;
}

/**
 * Walks the graphs of decoded values, each value once, without recursion.
 *
 * Depth is the longest path down; in a cycle it ends at the first value that is already on the path.
 *
 * @throws ProtocolError if a value nests deeper than `maxDepth`.
 */
export function checkDepth(roots: readonly unknown[], maxDepth: number): void {
  /** The number of levels from a value downwards; 0 while the walk is inside it. */
  const heights = new Map<object, number>();
  const path: Visit[] = [];
  const enter = (value: unknown): number => {
    if (typeof value !== 'object' || value === null) return 0;
    let height = heights.get(value);
    if (height === undefined) {
      height = 0;
      const children = childrenOf(value);
      if (children === undefined) return 0;
      heights.set(value, 0);
      path.push({ value, children, next: 0, height: 1 });
    }
    if (path.length + height > maxDepth)
      throw new ProtocolError(`Record nests deeper than ${maxDepth} levels`);
    return height;
  };
  for (const root of roots) {
    enter(root);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      if (visit.next < visit.children.length) {
        visit.height = Math.max(visit.height, 1 + enter(visit.children[visit.next++]));
      } else {
        path.pop();
        heights.set(visit.value, visit.height);
        const outer = path.at(-1);
        if (outer !== undefined) outer.height = Math.max(outer.height, 1 + visit.height);
      }
    }
  }
}

function childrenOf(value: object): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof Set) return [...value];
  if (value instanceof PythonObject) {
    return [value.class, value.args, value.kwargs, value.state, value.items, value.entries];
  }
  if (value instanceof PersistentReference) return [value.class];
  if (value instanceof PythonDateTime) return [value.time];
  if (value instanceof PythonTime) return [value.tzinfo];
  return undefined;
}
