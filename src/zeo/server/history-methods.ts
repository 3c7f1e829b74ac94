import { tidTime } from '../../zodb/tid.js';
import { entriesOf, isTruthy, iterated, typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import {
  assertionError,
  attributeError,
  overflowError,
  typeError,
  valueError,
} from '../memory-storage/python-errors.js';
import type { ObjectRevision } from '../memory-storage/revisions.js';
import type { LoggedTransaction } from '../memory-storage/transaction-log.js';
import { type Method, method } from './method.js';
import { extensionOf, toDict, undoLog } from './undo-log.js';

/** The methods about the past, and `pack`, which ends it. Source: ZEO/StorageServer.py, `ZEOStorage`. */
export const historyMethods: Readonly<Record<string, Method>> = {
  history: method('tid size?', ({ storage }, args) =>
    storage.history(args.oid(0), wholeCount(args.number(1, 1))).map(historyEntry),
  ),

  undoLog: method('first last', ({ storage }, args) =>
    undoLog(storage.transactions, args.number(0), args.number(1)),
  ),

  undoInfo: method('first last spec', ({ storage }, args) =>
    undoLog(storage.transactions, args.number(0), args.number(1), wantedEntries(args.any(2))),
  ),

  // Read-only servers pack as well.
  pack: method('time wait?', ({ storage }, args) => {
    const waits = isTruthy(args.optional(1, true));
    try {
      storage.pack(packTime(args.number(0)));
    } catch (error) {
      // As in ZEO, the error of a pack in the background is not reported.
      if (waits) throw error;
    }
    return null;
  }),

  record_iternext: method('next?', ({ storage }, args) => {
    const from = args.optional(0, null) === null ? undefined : args.bytes(0);
    const [record, next]: Iterable<ObjectRevision | undefined> = storage.records(from);
    // The messages of ZODB's index.
    if (record === undefined) {
      throw valueError(storage.length === 0 ? 'empty tree' : 'no key satisfies the conditions');
    }
    return [record.oid, record.tid, record.data, next?.oid ?? null];
  }),

  iterator_start: method('start stop', ({ storage, iterators }, args) =>
    iterators.start(storage.iterate(boundary(args.any(0)), boundary(args.any(1)))),
  ),

  iterator_next: method('iid', ({ iterators }, args) => transactionItem(iterators.next(args.any(0)))),

  iterator_record_start: method('txn_iid tid', ({ iterators }, args) =>
    iterators.startRecords(args.any(0), args.any(1)),
  ),

  iterator_record_next: method('iid', ({ iterators }, args) => recordItem(iterators.nextRecord(args.any(0)))),

  iterator_gc: method('iids', ({ iterators }, args) => {
    const ids = iterated(args.any(0));
    if (ids === undefined) throw typeError(`'${typeName(args.any(0))}' object is not iterable`);
    iterators.forget(ids);
    return null;
  }),
};

/** From the first moment with a transaction id to the end of the year 9999, in seconds since 1970. */
const [earliestSeconds, latestSeconds] = [-2_208_988_800, 253_402_300_800];

/** In milliseconds. */
function packTime(seconds: number): number {
  if (seconds >= 2 ** 63) throw overflowError('timestamp out of range for platform time_t');
  if (!(seconds >= earliestSeconds && seconds < latestSeconds)) {
    throw valueError('The time of a pack is out of range');
  }
  return seconds * 1000;
}

/** The next integer, at which a count up to `size` ends. */
function wholeCount(size: number): number {
  return Number.isNaN(size) ? Number.POSITIVE_INFINITY : Math.ceil(size);
}

function wantedEntries(spec: Value): readonly (readonly [Value, Value])[] {
  const entries = entriesOf(spec);
  if (entries !== undefined) return entries;
  if (isTruthy(spec)) throw attributeError(typeName(spec), 'items');
  return [];
}

/** Where an iteration starts or stops; `None` and empty bytes mean no limit. */
function boundary(tid: Value): Uint8Array | undefined {
  // ZODB/FileStorage/FileStorage.py: `assert start is None or isinstance(start, bytes)`
  if (tid !== null && !(tid instanceof Uint8Array)) throw assertionError();
  return tid === null || tid.length === 0 ? undefined : tid;
}

function historyEntry({
  revision,
  transaction,
}: {
  revision: ObjectRevision;
  transaction: LoggedTransaction;
}): Value {
  return toDict(
    new Map<Value, Value>([
      ...extensionOf(transaction),
      ['time', tidTime(revision.tid) / 1000],
      ['user_name', transaction.meta.user],
      ['description', transaction.meta.description],
      ['tid', revision.tid],
      ['size', revision.data?.byteLength ?? 0],
    ]),
  );
}

function transactionItem(transaction: LoggedTransaction | undefined): Value {
  if (transaction === undefined) return null;
  const { tid, status, meta } = transaction;
  return [tid, status, meta.user, meta.description, meta.extension];
}

function recordItem(record: ObjectRevision | undefined): Value {
  return record === undefined ? null : [record.oid, record.tid, record.data, record.origin];
}
