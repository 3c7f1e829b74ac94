import { ProtocolError } from '../errors.js';
import type { Value } from './protocol/values.js';

/** What a server says of its storage (`ZEO/StorageServer.py: get_info`). */
export interface StorageInfo {
  /** The server's own name for the storage, for a FileStorage the path of its file. */
  readonly name: string;
  /** Number of objects, as far as the storage knows it. */
  readonly length: number;
  /** Size in bytes, as far as the storage knows it. */
  readonly size: number;
  readonly supportsUndo: boolean;
  readonly supportsRecordIternext: boolean;
  /** Dotted names of the Python interfaces that the storage provides. */
  readonly interfaces: readonly string[];
}

/** A `dict` with text keys, as it comes from the wire. */
export type Dict = { readonly [key: string]: Value };

/** Whether it is a `dict` with text keys only. */
export function isDict(value: Value): value is Dict {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The reply to a call that is answered with a `dict`.
 *
 * @throws ProtocolError when it is none
 */
export function checkDict(method: string, reply: Value): Dict {
  if (isDict(reply)) return reply;
  throw new ProtocolError(`The server answered ${method} with something that is no dict`);
}

/** The reply to `get_info`, with what it lacks filled in as ZEO's own client does. */
export function readStorageInfo(reply: Dict): StorageInfo {
  const { name, length, size, supportsUndo, supports_record_iternext, interfaces } = reply;
  return {
    name: typeof name === 'string' ? name : 'ZEO Client',
    length: Number(length ?? 0),
    size: Number(size ?? 0),
    supportsUndo: supportsUndo === true || supportsUndo === 1,
    supportsRecordIternext: supports_record_iternext === true || supports_record_iternext === 1,
    interfaces: Array.isArray(interfaces)
      ? interfaces.map((parts) => (Array.isArray(parts) ? parts.join('.') : String(parts)))
      : [],
  };
}
