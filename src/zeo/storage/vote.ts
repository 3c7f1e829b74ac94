import { classNameOf } from '../../records/decode-record.js';
import type { Conflict } from '../../zodb/conflict.js';
import { isId, isTid } from '../../zodb/ids.js';
import { ConflictError } from '../../zodb/pos-exception.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import { isDict, type Value } from '../encoding/values.js';

/** The result of a vote that did not raise an exception. */
export interface Vote {
  /** Objects whose new state is not the stored one. */
  readonly oids: readonly Uint8Array[];
  /** If there are any, the transaction has to be voted on again. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Reads the reply to `vote`: a list of object ids, and of dicts that stand for conflicts.
 *
 * @throws ProtocolError for a malformed reply
 */
export function readVote(reply: Value): Vote {
  const entries = reply ?? [];
  if (!Array.isArray(entries)) throw unexpectedReply('vote', 'object ids and conflicts', reply);
  return { oids: entries.filter(isId), conflicts: entries.filter((entry) => !isId(entry)).map(readConflict) };
}

/** The error for a conflict that was not resolved. */
export function unresolved({ oid, serials, data }: Conflict): ConflictError {
  // Read from the record, as ZODB does (`ZODB/POSException.py: ConflictError`).
  const class_name = classNameOf(data);
  return new ConflictError({ message: 'database conflict error', oid, class_name, serials, data });
}

function readConflict(entry: Value): Conflict {
  if (!isDict(entry)) throw unexpectedReply('vote', 'object ids and conflicts', entry);
  const { oid, serials, data } = entry;
  const [committed, read] = Array.isArray(serials) && serials.length === 2 ? serials : [];
  if (isId(oid) && isTid(committed) && isTid(read) && data instanceof Uint8Array)
    return { oid, serials: [committed, read], data };
  throw unexpectedReply('vote', 'object ids and conflicts', entry);
}
