import { KeepAliveError } from '../errors.js';

/** What identifies a transaction whose outcome is not known: plain data, that may be kept and asked about later. */
export interface UnknownOutcome {
  /** What its metadata carry, in text. */
  readonly commitId: string;
  /** A transaction before it, 8 bytes. */
  readonly since: Uint8Array;
}

/**
 * The connection was lost while a transaction was being finished: it may have been committed, or not. `code` is
 * `ERR_ZEO_OUTCOME_UNKNOWN`. Not `retryable`: it might be committed twice.
 *
 * `storage.outcomeOf(error)` finds out, once there is a connection again.
 */
export class OutcomeUnknown extends KeepAliveError implements UnknownOutcome {
  readonly commitId: string;
  readonly since: Uint8Array;

  constructor({ commitId, since }: UnknownOutcome, cause: unknown) {
    super('ERR_ZEO_OUTCOME_UNKNOWN', 'The transaction may have been committed, or not', { cause });
    this.commitId = commitId;
    this.since = since;
  }
}
