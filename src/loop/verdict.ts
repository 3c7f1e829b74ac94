import type { Board } from '../threads/board.js';
import type { Budgets, Watch } from './watch.js';

/** What is to be done about a ping that is still out. */
export type Decision = 'alive' | 'busy' | 'slow' | 'dead';

export function budgetsFor(timeoutMs: number): Budgets {
  return {
    timeoutMs,
    // Part of the second that the promised bound (period + timeout + 1 s) leaves for everything but the peer.
    lockMs: Math.min(timeoutMs / 8, 500),
    tickMs: Math.min(Math.max(timeoutMs / 10, 20), 250),
    loopStallMs: Math.min(Math.max(timeoutMs / 4, 100), 1000),
    processStallMs: Math.max(timeoutMs / 4, 250),
    afreshMs: Math.min(timeoutMs / 8, 200),
  };
}

/**
 * The decision about one ping that is still out; `undefined`: not yet. The board shows what was received up to `seenMs`.
 *
 * | the ping | bytes since | then |
 * | --- | --- | --- |
 * | waits for the load lock, over its budget | yes | alive: busy, but well |
 * | waits for the load lock, over its budget | no | busy: it is sent without the lock, so that the lock hides nothing |
 * | is out, unanswered for `timeout` | yes, lately | slow: the load lock comes free, the ping stays out |
 * | is out | none for `timeout` of proven silence | dead, also if some came before that; unless the system knows better |
 */
export function decide(
  watch: Watch,
  board: Board,
  budgets: Budgets,
  nowMs: number,
  seenMs: number,
): Decision | undefined {
  const standing = watch.standing(board);
  if (standing === 'waiting') {
    const waitedMs = board.startedAgo(watch.id, nowMs);
    // What came since the last turn is not on the board yet.
    const provenMs = waitedMs - (nowMs - seenMs);
    if (watch.lockGivenUp || provenMs < budgets.lockMs) return undefined;
    return board.receivedAgo(watch.id, nowMs) < waitedMs ? 'alive' : 'busy';
  }
  if (standing !== 'sent') return undefined;
  // The board counts in whole milliseconds: a deadline at 999.6 of 1,000 ms has come.
  if (watch.silentMs >= budgets.timeoutMs - 1) return 'dead';
  const isOverdue = board.sentAgo(watch.id, nowMs) >= budgets.timeoutMs;
  return isOverdue && !watch.lockGivenBack && watch.isHeard(board, nowMs) ? 'slow' : undefined;
}
