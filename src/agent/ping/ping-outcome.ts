import { KeepAliveError } from '../../model/errors.js';
import type { PingSucceededEvent } from '../../model/events.js';
import type { DeadConnection } from './outage.js';

/** How a ping ended. */
export type PingOutcome =
  | Pick<PingSucceededEvent, 'verdict' | 'roundTripMs' | 'evidence'>
  | { readonly verdict: 'failed'; readonly error: unknown }
  /** The worker's verdict: the peer was silent. */
  | { readonly verdict: 'dead'; readonly error: KeepAliveError; readonly death: DeadConnection }
  /** This process was stalled meanwhile; another ping takes its place. */
  | { readonly verdict: 'stalled' }
  /** The result does not matter any more: target removed, agent stopped, worker or connection gone. */
  | { readonly verdict: 'abandoned' };

/** The reason for which the target's signal is aborted when its ping ended this way. */
export function abortReason(outcome: PingOutcome): unknown {
  if ('error' in outcome) return outcome.error;
  return 'evidence' in outcome
    ? new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', 'The ping was not answered in time; other bytes came', {
        retryable: true,
      })
    : new KeepAliveError('ERR_KEEPALIVE_ABANDONED', 'The ping was abandoned', { retryable: true });
}
