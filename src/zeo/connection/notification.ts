import { ProtocolError } from '../../model/errors.js';
import { mismatch } from '../../model/option-check.js';
import { isId, isTid } from '../../zodb/ids.js';
import type { Value } from '../encoding/values.js';
import { readStorageInfoChange, type StorageInfoChange } from './storage-info.js';

/** What a server tells without being asked. */
export type Notification =
  /** A transaction was committed that changed these objects; `null`: what it and those before it changed is not known. */
  | { readonly type: 'invalidated'; readonly tid: Uint8Array; readonly oids: readonly Uint8Array[] | null }
  /** A part of what `get_info` answers has changed, as after a pack. */
  | { readonly type: 'info'; readonly info: StorageInfoChange };

/**
 * A one-way call of the server (`ZEO/asyncio/client.py: client_methods`), checked.
 *
 * @returns `undefined` for what is known and does not concern this client: blobs that it did not ask for
 * @throws ProtocolError for anything else. An unknown call is not passed over: it may be a way to say that data
 *   changed, and a client that ignores that serves stale data.
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
        `Server called ${JSON.stringify(method.slice(0, 100))}, which is not a method of ZEO clients`,
      );
  }
}

/**
 * A list of object ids as it comes from the wire.
 *
 * @throws ProtocolError when it is none
 */
export function readOids(value: Value | undefined): readonly Uint8Array[] {
  if (Array.isArray(value) && value.every(isId)) return value as readonly Uint8Array[];
  throw new ProtocolError(mismatch('Malformed invalidation', 'a list of object ids', value));
}
