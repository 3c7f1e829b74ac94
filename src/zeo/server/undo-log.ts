import { tidTime } from '../../zodb/tid.js';
import { isEqual } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import type { StoredTransaction } from '../memory-storage/transaction-log.js';
import { prefixPath, startsWithPath } from './undo-prefix.js';

/**
 * The transactions that can be undone, newest first, as ZODB describes them.
 * Source: ZODB/FileStorage/FileStorage.py, `undoLog`; ZODB/UndoLogCompatible.py.
 *
 * @param transactions oldest first; those before one that was packed do not count.
 * @param first how many of those that fit to leave out.
 * @param last at which of those to stop; negative: how many to give.
 * @param wanted keys and values that a description has to have.
 */
export function undoLog(
  transactions: readonly StoredTransaction[],
  first: number,
  last: number,
  wanted: readonly (readonly [Value, Value])[] = [],
): Value[] {
  const end = last < 0 ? first - last : last;
  const found: Value[] = [];
  let fits = 0;
  for (let index = transactions.length - 1; index >= 0 && !(fits >= end); index--) {
    const transaction = transactions[index] as StoredTransaction;
    if (transaction.status !== ' ') break;
    const entries = describe(transaction);
    if (!wanted.every(([key, value]) => isWanted(entries.get(key) ?? null, value))) continue;
    if (fits >= first) found.push(toDict(entries));
    fits += 1;
  }
  return found;
}

function isWanted(value: Value, wanted: Value): boolean {
  const prefix = prefixPath(wanted);
  return prefix === undefined ? isEqual(value, wanted) : startsWithPath(value, prefix);
}

/** The entries of a dict that tells of a revision. Source: ZODB/FileStorage/FileStorage.py, `history`. */
export function toDict(entries: ReadonlyMap<Value, Value>): Value {
  // With text keys only it has a form in msgpack as well.
  const isPlain = [...entries.keys()].every((key) => typeof key === 'string');
  return isPlain ? (Object.fromEntries(entries) as Value) : entries;
}

/** What the one who committed has added of his own. */
export function extensionOf({ meta }: StoredTransaction): Iterable<readonly [Value, Value]> {
  const { extension } = meta;
  if (extension instanceof Map) return extension;
  const isDict = typeof extension === 'object' && extension !== null && !Array.isArray(extension);
  return isDict && !(extension instanceof Uint8Array) ? Object.entries(extension) : [];
}

function describe(transaction: StoredTransaction): ReadonlyMap<Value, Value> {
  const { tid, meta, records } = transaction;
  return new Map<Value, Value>([
    ['id', Buffer.from(Buffer.from(tid).toString('base64'))],
    ['time', tidTime(tid) / 1000],
    ['user_name', meta.user],
    ['size', records.reduce((sum, { data }) => sum + (data?.byteLength ?? 0), 0)],
    ['description', meta.description],
    ...extensionOf(transaction),
  ]);
}
