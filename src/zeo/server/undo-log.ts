import { tidTime } from '../../zodb/tid.js';
import { isEqual } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import type { LoggedTransaction } from '../memory-storage/transaction-log.js';
import { prefixPath, startsWithPath } from './undo-prefix.js';

/**
 * The transactions that can be undone, newest first, as ZODB describes them.
 * Source: ZODB/FileStorage/FileStorage.py, `undoLog`; ZODB/UndoLogCompatible.py.
 *
 * @param transactions oldest first; it ends at the newest packed one.
 * @param first how many matches to skip.
 * @param last the match at which to stop; negative: the number of results.
 * @param wanted entries that a description must have.
 */
export function undoLog(
  transactions: readonly LoggedTransaction[],
  first: number,
  last: number,
  wanted: readonly (readonly [Value, Value])[] = [],
): Value[] {
  const end = last < 0 ? first - last : last;
  const found: Value[] = [];
  let fits = 0;
  for (let index = transactions.length - 1; index >= 0 && !(fits >= end); index--) {
    const transaction = transactions[index] as LoggedTransaction;
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

/** A dict with these entries. */
export function toDict(entries: ReadonlyMap<Value, Value>): Value {
  // An object unless a key is not text, as values are decoded.
  const isPlain = [...entries.keys()].every((key) => typeof key === 'string');
  return isPlain ? (Object.fromEntries(entries) as Value) : entries;
}

/** The entries that the committer added. */
export function extensionOf({ meta }: LoggedTransaction): Iterable<readonly [Value, Value]> {
  const { extension } = meta;
  if (extension instanceof Map) return extension;
  const isDict = typeof extension === 'object' && extension !== null && !Array.isArray(extension);
  return isDict && !(extension instanceof Uint8Array) ? Object.entries(extension) : [];
}

function describe(transaction: LoggedTransaction): ReadonlyMap<Value, Value> {
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
