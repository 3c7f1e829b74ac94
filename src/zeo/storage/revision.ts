import { ProtocolError } from '../../model/errors.js';
import { isLater, isTid } from '../../zodb/ids.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import type { Value } from '../encoding/values.js';

/** A revision of an object. `data` and ids may be views into received data: copy what you keep for long. */
export interface Revision {
  /**
   * The object's record, as ZODB stores it. Not to be written into: the cache and others who asked for it have the same. A copy
   * for each of them would be most of what a cached load costs.
   */
  readonly data: Uint8Array;
  /** The transaction that wrote it, 8 bytes. */
  readonly serial: Uint8Array;
}

/** A revision, and until when it was current. */
export interface PastRevision extends Revision {
  /** The transaction that replaced it, 8 bytes; `null` while it is current. */
  readonly endTid: Uint8Array | null;
}

/**
 * The answer to `loadBefore`.
 *
 * @param tid what was asked for: the revision that was current just before it
 * @throws ProtocolError when it is none, or one of another time
 */
export function readRevision(reply: Value, tid: Uint8Array): PastRevision | null {
  if (reply === null) return null;
  const [data, serial, endTid] = Array.isArray(reply) ? reply : [];
  if (data instanceof Uint8Array && isTid(serial) && (endTid === null || isTid(endTid))) {
    if (isLater(tid, serial) && (endTid === null || !isLater(tid, endTid))) return { data, serial, endTid };
    throw new ProtocolError('Unexpected reply to loadBefore: a revision that was not current at that time');
  }
  throw unexpectedReply('loadBefore', 'a revision', reply);
}
