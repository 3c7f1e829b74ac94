import { copyId, isTid } from '../../zodb/ids.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import { type Dict, isDict, type Value } from '../encoding/values.js';

/** The metadata of a transaction. */
export interface TransactionDescription {
  /** Seconds since 1970, with a fraction; `NaN` if the server does not report it. */
  readonly time: number;
  readonly user: string;
  readonly description: string;
  /** Further metadata by name. Instances of Python classes are `PythonObject`s of `zeo-keepalive/records`. */
  readonly extension: { readonly [name: string]: Value };
}

/** One revision of an object (`ZODB.interfaces.IHistory`). */
export interface HistoryEntry extends TransactionDescription {
  /** The transaction that wrote it, 8 bytes. */
  readonly tid: Uint8Array;
  /** Size of the record in bytes; 0 if the server does not report it. */
  readonly size: number;
}

/** A transaction that can be undone (`ZODB.interfaces.IStorageUndoable`). */
export interface UndoEntry extends TransactionDescription {
  /** The argument for `transaction.undo`: opaque bytes of the storage, not a transaction id. */
  readonly id: Uint8Array;
}

/** @throws ProtocolError for a malformed reply */
export function readHistory(reply: Value): HistoryEntry[] {
  return readEntries('history', reply, (entry) => {
    const { tid, size, serial: _, ...rest } = entry;
    if (!isTid(tid)) throw unexpectedReply('history', 'transaction ids', tid);
    return { tid: copyId(tid), size: typeof size === 'number' ? size : 0, ...readDescription(rest) };
  });
}

/** @throws ProtocolError for a malformed reply */
export function readUndoLog(method: string, reply: Value): UndoEntry[] {
  return readEntries(method, reply, (entry) => {
    const { id, size: _, ...rest } = entry;
    if (!(id instanceof Uint8Array)) throw unexpectedReply(method, 'undo ids', id);
    return { id: new Uint8Array(id), ...readDescription(rest) };
  });
}

/** Text in any form that ZODB has used over the years; bytes are UTF-8. */
export function readText(value: Value | undefined): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'string' ? value : '';
}

/** A transaction's extension; empty if it is not a dict. */
export function readExtension(value: Value | undefined): Dict {
  return isDict(value) ? value : Object.create(null);
}

/** FileStorage mixes the extension into the entry's own fields; MappingStorage has a field for it. */
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
