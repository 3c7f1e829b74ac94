import type { Board } from '../rpc/board.js';
import type { Watch } from './watch.js';

/** What is to be done about a ping that is still out. */
export type Decision = 'alive' | 'busy' | 'dead';

/** How long the loop waits for what, in milliseconds; all derived from the timeout. */
export interface Budgets {
  /** How long a peer may provably be silent after a ping. */
  readonly timeoutMs: number;
  /** How long a ping waits for the load lock before it goes out without it. */
  readonly lockMs: number;
  /** How often the loop looks while a ping is out. */
  readonly tickMs: number;
  /** A main loop that takes longer than this for a turn stood still. */
  readonly loopStallMs: number;
  /** A worker that wakes later than this after its time did not run. */
  readonly processStallMs: number;
}

export function budgetsFor(timeoutMs: number): Budgets {
  return {
    timeoutMs,
    // Part of the second that the promised bound (period + timeout + 1 s) leaves for everything but the peer.
    lockMs: Math.min(timeoutMs / 8, 500),
    tickMs: Math.min(Math.max(timeoutMs / 10, 20), 250),
    loopStallMs: Math.min(Math.max(timeoutMs / 4, 100), 1000),
    processStallMs: Math.max(timeoutMs / 4, 250),
  };
}

/**
 * The decision about one ping that is still out; `undefined`: not yet. The board shows what was received up to `seenMs`.
 *
 * | the ping | bytes since | then |
 * | --- | --- | --- |
 * | waits for the load lock, over its budget | yes | alive: busy, but well |
 * | waits for the load lock, over its budget | no | busy: it is sent without the lock, so that the lock hides nothing |
 * | was sent, `timeout` ago | yes | alive |
 * | was sent, `timeout` of proven silence | no | dead |
 */
export function decide(
  watch: Watch,
  board: Board,
  budgets: Budgets,
  nowMs: number,
  seenMs: number,
): Decision | undefined {
  const standing = watch.standing(board);
  const heardAgoMs = board.receivedAgo(watch.id, nowMs);
  if (standing === 'waiting') {
    const waitedMs = board.startedAgo(watch.id, nowMs);
    // What came since the last turn is not on the board yet.
    const provenMs = waitedMs - (nowMs - seenMs);
    if (watch.lockGivenUp || provenMs < budgets.lockMs) return undefined;
    return heardAgoMs < waitedMs ? 'alive' : 'busy';
  }
  if (standing !== 'sent') return undefined;
  const sentAgoMs = board.sentAgo(watch.id, nowMs);
  if (heardAgoMs < sentAgoMs) return sentAgoMs >= budgets.timeoutMs ? 'alive' : undefined;
  // The board counts in whole milliseconds: a deadline at 999.6 of 1,000 ms has come.
  return watch.silentMs < budgets.timeoutMs - 1 ? undefined : 'dead';
}
