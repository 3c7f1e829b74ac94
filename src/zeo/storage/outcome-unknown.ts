import { KeepAliveError } from '../../model/errors.js';
import { checkObject, invalidArgument } from '../../model/invalid-argument.js';
import { formatId, parseId, takeTid } from '../../zodb/ids.js';

/** What identifies a transaction whose outcome is not known: plain data, that may be kept and asked about later. */
export interface UnknownOutcome {
  /** What its metadata carry, in text. */
  readonly commitId: string;
  /** A transaction before it, 8 bytes; or as {@link formatId} writes it, which is what JSON keeps of the error. */
  readonly since: Uint8Array | string;
}

/**
 * What identifies the transaction, checked and copied.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function checkOutcome(unknown: UnknownOutcome): { commitId: string; since: Uint8Array } {
  checkObject('outcome', unknown);
  const { commitId, since } = unknown;
  if (typeof commitId === 'string' && commitId !== '')
    return { commitId, since: takeTid('since', typeof since === 'string' ? parseId(since) : since) };
  throw invalidArgument('commitId', 'a text that is not empty', commitId);
}

/**
 * The connection was lost while a transaction was being finished, or the server has answered with an exception or with
 * what cannot be understood, which ends the connection, too: it may have been committed, or not. `cause` says which. `code`
 * is `ERR_ZEO_OUTCOME_UNKNOWN`. Not `retryable`: it might be committed twice.
 *
 * `storage.outcomeOf(error)` finds out, once there is a connection again, and before the storage is packed.
 */
export class OutcomeUnknown extends KeepAliveError implements UnknownOutcome {
  readonly commitId: string;
  readonly since: Uint8Array;

  constructor({ commitId, since }: { commitId: string; since: Uint8Array }, cause: unknown) {
    super('ERR_ZEO_OUTCOME_UNKNOWN', 'The transaction may have been committed, or not', { cause });
    this.commitId = commitId;
    this.since = since;
  }

  /** With both ids as text: `outcomeOf` takes what JSON has kept of it. */
  override toJSON(): ReturnType<KeepAliveError['toJSON']> & { commitId: string; since: string } {
    return { ...super.toJSON(), commitId: this.commitId, since: formatId(this.since) };
  }
}
