import { classNameOf } from '../../records/decode-record.js';
import type { Conflict } from '../../zodb/conflict.js';
import { isId, isTid } from '../../zodb/ids.js';
import { ConflictError } from '../../zodb/pos-exception.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import { isDict, type Value } from '../encoding/values.js';

/** What a vote came to, when it is not an error. */
export interface Vote {
  /** Objects whose state is another than the one that was stored. */
  readonly oids: readonly Uint8Array[];
  /** When there are any, the vote counts for nothing. */
  readonly conflicts: readonly Conflict[];
}

/**
 * The answer to `vote`: a list of object ids, among which a dict stands for a conflict.
 *
 * @throws ProtocolError when it is none
 */
export function readVote(reply: Value): Vote {
  const entries = reply ?? [];
  if (!Array.isArray(entries)) throw unexpectedReply('vote', 'object ids and conflicts', reply);
  return { oids: entries.filter(isId), conflicts: entries.filter((entry) => !isId(entry)).map(readConflict) };
}

/** The error for a conflict that nobody has resolved. */
export function unresolved({ oid, serials, data }: Conflict): ConflictError {
  // As ZODB finds it out, where the server has not (`ZODB/POSException.py: ConflictError`).
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
