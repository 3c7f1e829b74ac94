import { tidTime } from '../../zodb/tid.js';
import type { Value } from '../encoding/values.js';
import { valueError } from '../memory-storage/python-errors.js';
import type { Revision } from '../memory-storage/revisions.js';
import type { StoredTransaction } from '../memory-storage/transaction-log.js';
import type { Method } from './method.js';
import { extensionOf, toDict, undoLog } from './undo-log.js';

/** The methods that look back, and the one that ends what can be seen. Source: ZEO/StorageServer.py, `ZEOStorage`. */
export const historyMethods: Readonly<Record<string, Method>> = {
  history: ({ storage }, args) => storage.history(args.oid(0), args.integer(1, 1)).map(historyEntry),

  undoLog: ({ storage }, args) => undoLog(storage.transactions, args.integer(0), args.integer(1)),

  undoInfo: ({ storage }, args) =>
    undoLog(storage.transactions, args.integer(0), args.integer(1), args.entries(2)),

  // A server that is read-only packs as well.
  pack: ({ storage }, args) => {
    const seconds = args.number(0);
    if (!(seconds >= earliestSeconds && seconds < latestSeconds))
      throw valueError('The time of a pack is out of range');
    storage.pack(seconds * 1000);
    return null;
  },

  record_iternext: ({ storage }, args) => {
    const [record, next]: Iterable<Revision | undefined> = storage.records(args.idOrNull(0) ?? undefined);
    // In the words of ZODB's index.
    if (record === undefined) {
      throw valueError(storage.length === 0 ? 'empty tree' : 'no key satisfies the conditions');
    }
    return [record.oid, record.tid, record.data, next?.oid ?? null];
  },

  iterator_start: ({ storage, iterators }, args) =>
    iterators.start(storage.iterate(args.idOrNull(0) ?? undefined, args.idOrNull(1) ?? undefined)),

  iterator_next: ({ iterators }, args) => transactionItem(iterators.next(args.iterator(0))),

  iterator_record_start: ({ iterators }, args) => iterators.startRecords(args.iterator(0), args.id(1)),

  iterator_record_next: ({ iterators }, args) => recordItem(iterators.nextRecord(args.iterator(0))),

  iterator_gc: ({ iterators }, args) => {
    iterators.forget(args.iterators(0));
    return null;
  },
};

/** The years 1900 and 10000: earlier and later times have no transaction id. */
const earliestSeconds = -2_208_988_800;
const latestSeconds = 253_402_300_800;

function historyEntry({
  revision,
  transaction,
}: {
  revision: Revision;
  transaction: StoredTransaction;
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

function transactionItem(transaction: StoredTransaction | undefined): Value {
  if (transaction === undefined) return null;
  const { tid, status, meta } = transaction;
  return [tid, status, meta.user, meta.description, meta.extension];
}

function recordItem(record: Revision | undefined): Value {
  return record === undefined ? null : [record.oid, record.tid, record.data, record.origin];
}
