import { ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';
import { isId, isTid } from '../../zodb/ids.js';
import type { Value } from '../encoding/values.js';
import { readStorageInfoChange, type StorageInfoChange } from './storage-info.js';

/** A one-way call of a server. */
export type Notification =
  /** A transaction that changed these objects; `null`: it and earlier ones may have changed any object. */
  | { readonly type: 'invalidated'; readonly tid: Uint8Array; readonly oids: readonly Uint8Array[] | null }
  /** A change of the storage info, as after a pack. */
  | { readonly type: 'info'; readonly info: StorageInfoChange };

/**
 * Reads a one-way call of the server (`ZEO/asyncio/client.py: client_methods`).
 *
 * @returns `undefined` for calls that do not concern this client: blobs, which it never requests
 * @throws ProtocolError for a malformed or unknown call. An unknown call is not ignored: it may be an invalidation of a new
 *   kind, and a client that misses one serves stale data.
 */
export function readNotification(method: string, args: readonly Value[]): Notification | undefined {
  switch (method) {
    case 'invalidateTransaction': {
      const [tid, oids] = args;
      if (!isTid(tid))
        throw new ProtocolError(mismatch('Malformed invalidateTransaction', 'a transaction id', tid));
      return { type: 'invalidated', tid, oids: readOids(oids) };
    }
    case 'info':
      return { type: 'info', info: readStorageInfoChange('info', args[0] ?? null) };
    case 'receiveBlobStart':
    case 'receiveBlobChunk':
    case 'receiveBlobStop':
      return undefined;
    default:
      throw new ProtocolError(
        `Unexpected call of the server: expected a method of ZEO clients; received ${JSON.stringify(method.slice(0, 100))}`,
      );
  }
}

/**
 * Checks a list of object ids.
 *
 * @throws ProtocolError if it is not one
 */
export function readOids(value: Value | undefined): readonly Uint8Array[] {
  if (Array.isArray(value) && value.every(isId)) return value as readonly Uint8Array[];
  throw new ProtocolError(mismatch('Malformed invalidation', 'a list of object ids', value));
}
