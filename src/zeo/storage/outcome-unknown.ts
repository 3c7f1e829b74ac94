import { KeepAliveError } from '../../model/errors.js';
import { checkObject, invalidArgument } from '../../model/invalid-argument.js';
import { formatId, parseId, takeTid } from '../../zodb/ids.js';

/** Identifies a transaction whose outcome is unknown: plain data, which may be stored and passed to `outcomeOf` later. */
export interface UnknownOutcome {
  /** The `zeo_commit_id` in the extension of the transaction. */
  readonly commitId: string;
  /** An earlier transaction: 8 bytes, or the string that {@link formatId} returns, as in the JSON of the error. */
  readonly since: Uint8Array | string;
}

/**
 * Checks and copies what identifies the transaction.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function checkOutcome(unknown: UnknownOutcome): { commitId: string; since: Uint8Array } {
  checkObject('outcome', unknown);
  const { commitId, since } = unknown;
  if (typeof commitId === 'string' && commitId !== '')
    return { commitId, since: takeTid('since', typeof since === 'string' ? parseId(since) : since) };
  throw invalidArgument('commitId', 'a non-empty string', commitId);
}

/**
 * While a transaction was being finished the connection was lost, or the server answered with an exception or a malformed
 * reply, either of which ends the connection, too. The transaction may or may not have been committed. `cause` is the
 * failure, `code` is `ERR_ZEO_OUTCOME_UNKNOWN`. Not `retryable`: it might be committed twice.
 *
 * `storage.outcomeOf(error)` finds out, once there is a connection again, and before the storage is packed.
 */
export class OutcomeUnknown extends KeepAliveError implements UnknownOutcome {
  readonly commitId: string;
  readonly since: Uint8Array;

  constructor({ commitId, since }: { commitId: string; since: Uint8Array }, cause: unknown) {
    super('ERR_ZEO_OUTCOME_UNKNOWN', 'The transaction may or may not have been committed', { cause });
    this.commitId = commitId;
    this.since = since;
  }

  /** With both ids as strings; `outcomeOf` accepts the parsed JSON. */
  override toJSON(): ReturnType<KeepAliveError['toJSON']> & { commitId: string; since: string } {
    return { ...super.toJSON(), commitId: this.commitId, since: formatId(this.since) };
  }
}
