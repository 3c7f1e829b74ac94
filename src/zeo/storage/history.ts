import { copyId, isTid } from '../../zodb/ids.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import { type Dict, isDict, type Value } from '../encoding/values.js';

/** What is known of a transaction beside what it has changed. */
export interface TransactionDescription {
  /** In seconds since 1970, with decimals; `NaN` where the server does not tell. */
  readonly time: number;
  readonly user: string;
  readonly description: string;
  /** What else its author has said, by name. Objects of Python classes are `PythonObject`s of `zeo-keepalive/records`. */
  readonly extension: { readonly [name: string]: Value };
}

/** One revision of an object (`ZODB.interfaces.IHistory`). */
export interface HistoryEntry extends TransactionDescription {
  /** The transaction that wrote it, 8 bytes. */
  readonly tid: Uint8Array;
  /** Of the record, in bytes; 0 where the server does not tell. */
  readonly size: number;
}

/** A transaction that may be undone (`ZODB.interfaces.IStorageUndoable`). */
export interface UndoEntry extends TransactionDescription {
  /** What `transaction.undo` is told: bytes of the storage's own, no transaction id. */
  readonly id: Uint8Array;
}

/** @throws ProtocolError when it is none */
export function readHistory(reply: Value): HistoryEntry[] {
  return readEntries('history', reply, (entry) => {
    const { tid, size, serial: _, ...rest } = entry;
    if (!isTid(tid)) throw unexpectedReply('history', 'transaction ids', tid);
    return { tid: copyId(tid), size: typeof size === 'number' ? size : 0, ...readDescription(rest) };
  });
}

/** @throws ProtocolError when it is none */
export function readUndoLog(method: string, reply: Value): UndoEntry[] {
  return readEntries(method, reply, (entry) => {
    const { id, size: _, ...rest } = entry;
    if (!(id instanceof Uint8Array)) throw unexpectedReply(method, 'transaction ids', id);
    return { id: new Uint8Array(id), ...readDescription(rest) };
  });
}

/** Text as ZODB has written it over the years: bytes are UTF-8. */
export function readText(value: Value | undefined): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'string' ? value : '';
}

/** What a transaction's author has said beside user and description; a storage may have kept it as a pickle. */
export function readExtension(value: Value | undefined): Dict {
  return isDict(value) ? value : Object.create(null);
}

/** FileStorage puts the extension beside the fields of its own, MappingStorage into a field. */
function readDescription({
  time,
  user_name,
  description,
  extension,
  ...others
}: Dict): TransactionDescription {
  return {
    time: typeof time === 'number' ? time : Number.NaN,
    user: readText(user_name),
    description: readText(description),
    extension: isDict(extension) ? extension : others,
  };
}

function readEntries<T>(method: string, reply: Value, read: (entry: Dict) => T): T[] {
  if (!Array.isArray(reply) || !reply.every(isDict))
    throw unexpectedReply(method, 'a list of transactions', reply);
  return reply.map(read);
}
