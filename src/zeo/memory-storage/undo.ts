import { undoError } from './python-errors.js';
import type { ObjectRevision } from './revisions.js';

/** What an undo writes for one object. */
export interface UndoneState {
  readonly data: Uint8Array | null;
  /** The transaction whose record is restored; `null` if there is none, or the record is a merged one. */
  readonly origin: Uint8Array | null;
}

/**
 * Undoes the change of one object: restores its previous state unless it changed since, otherwise merges.
 * Source: ZODB/FileStorage/FileStorage.py, `_transactionalUndoRecord`.
 *
 * @param undone the revision of the undone transaction.
 * @param previous the one that it replaced, if any.
 * @param currentData the object's record now, as the undoing transaction sees it, perhaps one that it has restored itself.
 * @param merge resolves a conflict if it can.
 * @throws ServerError `UndoError` if the object was changed since and cannot be merged.
 */
export function undo(
  undone: ObjectRevision,
  previous: ObjectRevision | undefined,
  currentData: Uint8Array | null,
  merge: (oldData: Uint8Array, committedData: Uint8Array, newData: Uint8Array) => Uint8Array | undefined,
): UndoneState {
  if (currentData === undone.data || isSame(currentData, undone.data)) {
    return previous === undefined ? nothing : { data: previous.data, origin: previous.tid };
  }
  if (previous === undefined) {
    throw undoError("Can't undo an add transaction followed by conflicting transactions.", undone.oid);
  }
  if (undone.data === null || currentData === null || previous.data === null) {
    throw undoError('_loadBack() failed', undone.oid);
  }
  const merged = merge(undone.data, currentData, previous.data);
  if (merged === undefined) {
    throw undoError('Some data were modified by a later transaction', undone.oid);
  }
  return { data: merged, origin: null };
}

const nothing: UndoneState = { data: null, origin: null };

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a !== null && b !== null && Buffer.compare(a, b) === 0;
}
