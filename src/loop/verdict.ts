import type { Verdict } from '../model/events.js';
import type { Board } from '../threads/board.js';
import type { Budgets } from '../threads/budgets.js';
import type { OutstandingPing } from './outstanding-ping.js';

/** What to do about a ping that is still out. `look`: look its connection up in the system's table. */
export type Decision = Extract<Verdict, 'alive' | 'busy' | 'slow'> | 'look';

/**
 * The decision about one ping that is still out; `undefined` while there is none. The board shows what was received up to
 * `seenMs`.
 *
 * | the ping | bytes since then | decision |
 * | --- | --- | --- |
 * | has waited for longer than the lock's budget | yes | alive: the application is busy, the connection works |
 * | has waited for longer than the lock's budget | no | busy: it is sent without the lock, which would hide a dead peer |
 * | likewise, and the server answers in order | no | look: it would queue behind the request, so only the system knows |
 * | was not written within the timeout | | slow: the lock is released, the ping stays queued |
 * | is out, unanswered for the timeout | yes, or others are going out before it | slow: the lock is released, the ping stays out |
 * | is out, and the peer is proven silent for the timeout | no | look: dead, unless the system's table shows otherwise, or its host acknowledges and the target's `hangTimeout` is longer: then slow |
 * | is out, and may be behind other bytes | | look: how far it has got |
 */
export function decide(
  ping: OutstandingPing,
  board: Board,
  { lockMs, timeoutMs }: Budgets,
  nowMs: number,
  seenMs: number,
): Decision | undefined {
  const { id, state } = ping;
  const waitedMs = board.startedAgo(id, nowMs);
  if (state === 'waiting') {
    // What was received since the last turn is not on the board yet.
    const provenMs = waitedMs - (nowMs - seenMs);
    if (provenMs < lockMs) return undefined;
    if (board.receivedAgo(id, nowMs) < waitedMs) return 'alive';
    return board.answersInOrder(id) ? 'look' : 'busy';
  }
  if (state === 'queued') return waitedMs >= lockMs + timeoutMs ? 'slow' : undefined;
  if (!ping.isCounting) return undefined;
  // The board counts whole milliseconds: at 999.6 of 1,000 ms the deadline has been reached.
  if (ping.silentMs >= timeoutMs - 1) return 'look';
  const isOverdue = board.sentAgo(id, nowMs) >= timeoutMs;
  if (isOverdue && state !== 'overdue' && ping.isAtWork(board, nowMs)) return 'slow';
  return ping.isBehind(board) ? 'look' : undefined;
}
