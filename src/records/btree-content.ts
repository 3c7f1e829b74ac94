import { PersistentReference } from '../python/persistent-reference.js';

/** A bucket of a BTree, or a BTree with a single bucket, which is then stored inside the tree. */
export interface BucketContent {
  readonly kind: 'bucket';
  /** In the order of their keys. Keys of `fs` trees are bytes, which a `Map` cannot look up: iterate. */
  readonly entries: ReadonlyMap<unknown, unknown>;
  /** The bucket with the next keys. */
  readonly next: PersistentReference | undefined;
}

/** A bucket of a TreeSet, or a TreeSet with a single bucket, which is then stored inside the tree. */
export interface SetContent {
  readonly kind: 'set';
  /** In order. */
  readonly keys: readonly unknown[];
  /** The set with the next keys. */
  readonly next: PersistentReference | undefined;
}

/** A BTree or TreeSet whose entries are in other records. Walk the children, or the buckets from the first one on. */
export interface TreeContent {
  readonly kind: 'tree';
  /** Buckets or sets, or trees of the same class. */
  readonly children: readonly PersistentReference[];
  /** One fewer than the children: the keys of `children[i + 1]` start at `keys[i]`, those of `children[i]` are below it. */
  readonly keys: readonly unknown[];
  readonly firstBucket: PersistentReference;
}

export type BTreeContent = BucketContent | SetContent | TreeContent;

/** `BTrees.OOBTree.OOBucket` and its family; `Py` marks the implementation in Python, `_` was the prefix of the C modules. */
const btreeClass = /^BTrees\._?([A-Za-z]{2})BTree\.\1(BTree|Bucket|TreeSet|Set)(?:Py)?$/;

/** The content of a class of the package BTrees (`BTrees/_base.py: __getstate__`); `undefined` for any other class or state. */
export function btreeContent(className: string, state: unknown): BTreeContent | undefined {
  const kind = btreeClass.exec(className)?.[2];
  switch (kind) {
    case 'Bucket':
      return bucketContent(state);
    case 'Set':
      return setContent(state);
    case 'BTree':
      return treeContent(state, bucketContent);
    case 'TreeSet':
      return treeContent(state, setContent);
    default:
      return undefined;
  }
}

/** `None` if it is empty, `((bucket's state,),)` if one bucket is enough. */
function treeContent<Leaf>(
  state: unknown,
  leafContent: (state: unknown) => Leaf,
): Leaf | TreeContent | undefined {
  if (state === null) return leafContent([[]]);
  if (!Array.isArray(state) || !Array.isArray(state[0])) return undefined;
  const [nodes, firstBucket] = state;
  if (state.length === 1) return nodes.length === 1 ? leafContent(nodes[0]) : undefined;
  const children = nodes.filter((_, index) => index % 2 === 0);
  const keys = nodes.filter((_, index) => index % 2 === 1);
  const isTree = children.length === keys.length + 1 && [firstBucket, ...children].every(isReference);
  return isTree ? { kind: 'tree', children, keys, firstBucket } : undefined;
}

function bucketContent(state: unknown): BucketContent | undefined {
  const leaf = parseLeaf(state);
  if (leaf === undefined || leaf.items.length % 2 !== 0) return undefined;
  const entries = new Map<unknown, unknown>();
  for (let index = 0; index < leaf.items.length; index += 2)
    entries.set(leaf.items[index], leaf.items[index + 1]);
  return { kind: 'bucket', entries, next: leaf.next };
}

function setContent(state: unknown): SetContent | undefined {
  const leaf = parseLeaf(state);
  return leaf && { kind: 'set', keys: leaf.items, next: leaf.next };
}

/** `(items,)` or `(items, next)`. */
function parseLeaf(
  state: unknown,
): { items: readonly unknown[]; next: PersistentReference | undefined } | undefined {
  if (!Array.isArray(state) || !Array.isArray(state[0])) return undefined;
  const [items, next] = state;
  if (state.length === 1) return { items, next: undefined };
  return state.length === 2 && isReference(next) ? { items, next } : undefined;
}

function isReference(value: unknown): value is PersistentReference {
  return value instanceof PersistentReference;
}
