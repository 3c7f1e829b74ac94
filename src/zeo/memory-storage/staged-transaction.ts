import type { ConflictResolver } from '../../zodb/conflict.js';
import { compareIds, copyId, idKey, isId } from '../../zodb/ids.js';
import { ServerError } from '../../zodb/pos-exception.js';
import type { Value } from '../encoding/values.js';
import type { ObjectTable } from './object-table.js';
import type { Operation } from './operation.js';
import {
  conflictError,
  multipleUndoErrors,
  readConflictError,
  typeError,
  undoError,
} from './python-errors.js';
import type { ObjectRevision } from './revisions.js';
import type { TransactionLog } from './transaction-log.js';
import { undo } from './undo.js';

/** Who resolves the conflicts of a transaction: the storage where it can, or the client, to which the vote returns them. */
export type Resolution = ConflictResolver | 'client' | undefined;

/** A conflict for the client to resolve, as ZEO's server puts it into the answer to a vote. */
export type ConflictForClient = {
  readonly oid: Uint8Array;
  /** The serial that is committed, and the one that the client's change is based on. */
  readonly serials: readonly [Uint8Array, Value];
  readonly data: Uint8Array;
};

/** A revision whose transaction has no id yet. */
export type StagedRevision = Omit<ObjectRevision, 'tid'>;

/**
 * What a transaction will write, as its vote found, with nothing written yet.
 *
 * Source: ZEO/StorageServer.py, `_vote`, and what it calls in ZODB/FileStorage/FileStorage.py.
 */
export class StagedTransaction {
  readonly #objects: ObjectTable;
  readonly #log: TransactionLog;
  readonly #resolution: Resolution;
  readonly #revisions = new Map<string, StagedRevision>();
  readonly #conflicts = new Map<string, ConflictForClient>();
  readonly #changed: Uint8Array[] = [];
  readonly #rewritten: Uint8Array[] = [];

  constructor(objects: ObjectTable, log: TransactionLog, resolution: Resolution) {
    this.#objects = objects;
    this.#log = log;
    this.#resolution = resolution;
  }

  /** The revisions to write: of each object only the last one, where ZODB's file storage keeps all. */
  get revisions(): Iterable<StagedRevision> {
    return this.#revisions.values();
  }

  /** The objects to invalidate; as with ZEO's own server without deleted and restored ones. */
  get changed(): readonly Uint8Array[] {
    return this.#changed;
  }

  /** The objects whose new state the client does not have, as a merge or an undo made it. */
  get rewritten(): readonly Uint8Array[] {
    return this.#rewritten;
  }

  /** What the client has to resolve first; nothing can be written before. */
  get conflicts(): readonly ConflictForClient[] {
    return [...this.#conflicts.values()];
  }

  /** @throws ServerError `ConflictError`, `ReadConflictError`, `POSKeyError` or `UndoError`. */
  perform(operation: Operation): void {
    switch (operation.kind) {
      case 'store':
        this.#store(operation.oid, operation.serial, operation.data);
        break;
      case 'delete':
        this.#delete(operation.oid, operation.serial);
        break;
      case 'check':
        this.#check(operation.oid, operation.serial);
        break;
      case 'restore':
        this.#restore(operation.oid, operation.data, operation.origin);
        break;
      case 'undo':
        this.#undo(operation.tid);
        break;
      case 'invalid':
        throw operation.error;
    }
  }

  #store(oid: Uint8Array, serial: Value, data: Uint8Array): void {
    const committed = this.#objects.find(oid)?.newest;
    if (committed === undefined || isSerial(serial, committed.tid)) {
      this.#write(oid, own(data), null);
    } else {
      const oldData = (isId(serial) && this.#objects.get(oid).at(serial)?.data) || null;
      const merged = this.#merge(oid, oldData, committed.data, data);
      if (merged === undefined) {
        if (this.#resolution !== 'client') throw conflictError(oid, committed.tid, serial, data);
        this.#conflicts.set(idKey(oid), { oid, serials: [committed.tid, serial], data });
        return;
      }
      this.#write(oid, merged, null);
      this.#rewritten.push(oid);
    }
    // The client stores what it has resolved again, after the store that conflicted.
    this.#conflicts.delete(idKey(oid));
    this.#changed.push(copyId(oid));
  }

  #delete(oid: Uint8Array, serial: Value): void {
    const committed = this.#objects.get(oid).newest?.tid;
    if (committed !== undefined && !isSerial(serial, committed))
      throw conflictError(oid, committed, serial, null);
    this.#write(oid, null, null);
  }

  #check(oid: Uint8Array, serial: Value): void {
    const committed = this.#objects.getCurrent(oid).tid;
    if (!isSerial(serial, committed)) throw readConflictError(oid, committed, serial);
  }

  /** Becomes a pointer to the record of the transaction it names, where that is the same record. Source: `restore`, `_data_find`. */
  #restore(oid: Uint8Array, data: Uint8Array | null, origin: Value): void {
    if (origin === null) {
      this.#write(oid, own(data), null);
      return;
    }
    const transaction = origin instanceof Uint8Array ? this.#log.find(origin) : undefined;
    if (transaction === undefined) throw undoError('Invalid transaction id');
    const record = transaction.records.find((candidate) => compareIds(candidate.oid, oid) === 0);
    if (record === undefined) {
      this.#write(oid, own(data), null);
    } else if (record.data === null || record.origin !== null) {
      this.#write(oid, record.data, transaction.tid);
    } else if (data === null) {
      throw typeError("object of type 'NoneType' has no len()");
    } else {
      const isSame = compareIds(record.data, data) === 0;
      this.#write(oid, isSame ? record.data : own(data), isSame ? transaction.tid : null);
    }
  }

  /** Tries all objects of the transaction, so that the error names each one that prevents it. */
  #undo(tid: Uint8Array): void {
    const transaction = this.#log.find(tid);
    if (transaction === undefined) throw undoError('Invalid transaction id');
    if (transaction.status !== ' ') throw undoError('non-undoable transaction');
    const failures: [Uint8Array, ServerError][] = [];
    for (const undone of transaction.records) {
      try {
        this.#undoOne(undone);
      } catch (error) {
        if (!(error instanceof ServerError)) throw error;
        failures.push([undone.oid, error]);
      }
    }
    if (failures.length > 0) throw multipleUndoErrors(failures);
  }

  #undoOne(undone: ObjectRevision): void {
    const { oid } = undone;
    const revisions = this.#objects.get(oid);
    const now = this.#revisions.get(idKey(oid)) ?? revisions.newest ?? undone;
    const state = undo(undone, revisions.previous(undone), now.data, (oldData, committedData, newData) =>
      this.#merge(oid, oldData, committedData, newData),
    );
    this.#write(oid, state.data, state.origin);
    this.#changed.push(copyId(oid));
    this.#rewritten.push(oid);
  }

  #write(oid: Uint8Array, data: Uint8Array | null, origin: Uint8Array | null): void {
    this.#revisions.set(idKey(oid), { oid: copyId(oid), data, origin });
  }

  /** The record that resolves a conflict, if any. */
  #merge(
    oid: Uint8Array,
    oldData: Uint8Array | null,
    committedData: Uint8Array | null,
    newData: Uint8Array,
  ): Uint8Array | undefined {
    if (typeof this.#resolution !== 'function' || oldData === null || committedData === null)
      return undefined;
    try {
      const merged = this.#resolution({ oid, oldData, committedData, newData });
      return merged && own(merged);
    } catch {
      // As in ZODB, whatever goes wrong in a class's own method, the client gets the original conflict.
      return undefined;
    }
  }
}

function isSerial(serial: Value, tid: Uint8Array): boolean {
  return isId(serial) && compareIds(serial, tid) === 0;
}

/** A copy, since data is a view into a whole frame, or may be changed by its caller. */
function own<Data extends Uint8Array | null>(data: Data): Data {
  return (data && Uint8Array.from(data)) as Data;
}
