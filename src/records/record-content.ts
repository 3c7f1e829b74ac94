import { attributesOf } from '../python/attributes.js';
import { type BTreeContent, btreeContent } from './btree-content.js';

/** A `PersistentMapping` or `PersistentDict`. */
export interface MappingContent {
  readonly kind: 'mapping';
  readonly entries: ReadonlyMap<unknown, unknown>;
}

/** A `PersistentList`. */
export interface ListContent {
  readonly kind: 'list';
  readonly items: readonly unknown[];
}

export type RecordContent = MappingContent | ListContent | BTreeContent;

/** The names of the classes over the years, in ZODB and in Zope's `Persistence`. */
const mappings =
  /^(?:(?:persistent|Persistence|ZODB)\.)?(?:mapping|dict|PersistentMapping|PersistentDict)\.Persistent(?:Mapping|Dict)$|^Persistence\.PersistentMapping$/;
const lists =
  /^(?:(?:persistent|Persistence|ZODB)\.)?(?:list|PersistentList)\.PersistentList$|^Persistence\.PersistentList$/;

/** The content of a container, by its class and state; `undefined` for other classes, and for malformed states. */
export function contentOf(className: string, state: unknown): RecordContent | undefined {
  if (mappings.test(className)) return mappingContent(state);
  if (lists.test(className)) return listContent(state);
  return btreeContent(className, state);
}

/** Up to ZODB 3.2 the attribute was called `_container`. */
function mappingContent(state: unknown): MappingContent | undefined {
  const attributes = attributesOf(state);
  const entries = attributes.get('data') ?? attributes.get('_container');
  return entries instanceof Map ? { kind: 'mapping', entries } : undefined;
}

function listContent(state: unknown): ListContent | undefined {
  const items = attributesOf(state).get('data');
  return Array.isArray(items) ? { kind: 'list', items } : undefined;
}
