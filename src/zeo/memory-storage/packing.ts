import { compareIds, idKey, isLater, rootOid } from '../../zodb/ids.js';
import type { ObjectTable } from './object-table.js';
import type { ObjectRevision } from './revisions.js';
import type { TransactionLog } from './transaction-log.js';

/** The oids that a record refers to, which keeps those objects alive. */
export type ReferencesOf = (record: Uint8Array) => Iterable<Uint8Array>;

/**
 * Removes the obsolete revisions up to a given time.
 *
 * @returns whether there were any: if not, no transaction is marked as packed, so that all can still be undone. Source:
 * ZODB/FileStorage/fspack.py, `pack`.
 * @throws ServerError `POSKeyError` for a reference to a missing object; nothing is changed then.
 */
export function pack(
  objects: ObjectTable,
  log: TransactionLog,
  stop: Uint8Array,
  referencesOf: ReferencesOf | undefined,
): boolean {
  const putBack = recordsPutBack(objects, log, stop);
  const kept = revisionsToKeep(objects, stop, putBack, referencesOf);
  const isNeeded = (revision: ObjectRevision) => kept.has(revision) || putBack.has(revision);
  if (log.all.every(({ records }) => records.every(isNeeded))) return false;
  // A record that a later undo restored stays in its transaction only; the object's history begins with the current revision.
  objects.retain((revision) => kept.has(revision));
  log.pack(stop, isNeeded);
  return true;
}

/** The records up to `stop` that a later undo restored. */
function recordsPutBack(
  objects: ObjectTable,
  log: TransactionLog,
  stop: Uint8Array,
): ReadonlySet<ObjectRevision> {
  const found = new Set<ObjectRevision>();
  for (const revisions of objects.all()) {
    for (const { oid, tid, origin } of revisions.all) {
      if (origin === null || isLater(origin, stop) || !isLater(tid, stop)) continue;
      const source = log.find(origin)?.records.find((record) => compareIds(record.oid, oid) === 0);
      if (source !== undefined) found.add(source);
    }
  }
  return found;
}

/**
 * The revisions that a pack keeps. Source: ZODB/FileStorage/fspack.py, `GC`.
 *
 * - Whatever was written after `stop`.
 * - What was current at `stop`, unless it was deleted; with `referencesOf` only of objects that could be reached from
 *   the root object at that time, or from a restored record.
 */
function revisionsToKeep(
  objects: ObjectTable,
  stop: Uint8Array,
  putBack: Iterable<ObjectRevision>,
  referencesOf: ReferencesOf | undefined,
): ReadonlySet<ObjectRevision> {
  const kept = new Set<ObjectRevision>();
  let wasEmpty = true;
  for (const revisions of objects.all()) {
    const current = revisions.until(stop);
    if (current !== undefined && current.data !== null) {
      wasEmpty = false;
      if (referencesOf === undefined) kept.add(current);
    }
    for (const revision of revisions.all) if (isLater(revision.tid, stop)) kept.add(revision);
  }
  if (referencesOf !== undefined && !wasEmpty) {
    const roots = [rootOid];
    for (const { data } of putBack) if (data !== null) roots.push(...referencesOf(data));
    for (const revision of reachable(objects, stop, roots, referencesOf)) kept.add(revision);
  }
  return kept;
}

function* reachable(
  objects: ObjectTable,
  stop: Uint8Array,
  roots: readonly Uint8Array[],
  referencesOf: ReferencesOf,
): Iterable<ObjectRevision> {
  const seen = new Set<string>();
  const todo = [...roots];
  for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
    const key = idKey(oid);
    if (seen.has(key)) continue;
    seen.add(key);
    const revision = objects.get(oid).until(stop);
    if (revision === undefined || revision.data === null) continue;
    yield revision;
    for (const reference of referencesOf(revision.data)) todo.push(reference);
  }
}
