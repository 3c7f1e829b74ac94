import { ProtocolError } from '../../model/errors.js';
import { isLater, isTid } from '../../zodb/ids.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import type { Value } from '../encoding/values.js';

/** A revision of an object. `data` and ids may be views of received data: copy what is kept for long. */
export interface Revision {
  /**
   * The object's record in ZODB's format. Do not modify it: it is shared with the cache and other callers, because a copy
   * for each would be most of the cost of a cached load.
   */
  readonly data: Uint8Array;
  /** The transaction that wrote it, 8 bytes. */
  readonly serial: Uint8Array;
}

/** A revision, and the transaction that replaced it. */
export interface PastRevision extends Revision {
  /** The transaction that replaced it, 8 bytes; `null` while it is current. */
  readonly endTid: Uint8Array | null;
}

/**
 * Reads the reply to `loadBefore`.
 *
 * @param tid the transaction of the request
 * @throws ProtocolError for a malformed reply, or a revision that was not current just before `tid`
 */
export function readRevision(reply: Value, tid: Uint8Array): PastRevision | null {
  if (reply === null) return null;
  const [data, serial, endTid] = Array.isArray(reply) ? reply : [];
  if (data instanceof Uint8Array && isTid(serial) && (endTid === null || isTid(endTid))) {
    if (isLater(tid, serial) && (endTid === null || !isLater(tid, endTid))) return { data, serial, endTid };
    throw new ProtocolError(
      'Unexpected reply to loadBefore: expected the revision current at that time; received another one',
    );
  }
  throw unexpectedReply('loadBefore', 'a revision', reply);
}
