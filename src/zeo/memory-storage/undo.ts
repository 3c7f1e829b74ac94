import { undoError } from './python-errors.js';
import type { Revision } from './revisions.js';

/** What an undo writes for one object. */
export interface UndoneState {
  readonly data: Uint8Array | null;
  /** The transaction whose record is put back; `null` where there is none, or the record is a merged one. */
  readonly origin: Uint8Array | null;
}

/**
 * Takes one object's change back: to what it was before, if nothing happened since that matters, else to a merge.
 * Source: ZODB/FileStorage/FileStorage.py, `_transactionalUndoRecord`.
 *
 * @param undone what the transaction that is taken back wrote.
 * @param previous what it replaced, if anything.
 * @param currentData the object's record now, as the undoing transaction sees it: perhaps one that it has itself put back.
 * @param merge settles a conflict, or not.
 * @throws ServerError `UndoError` if the object was changed since and nobody can merge that.
 */
export function undo(
  undone: Revision,
  previous: Revision | undefined,
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
