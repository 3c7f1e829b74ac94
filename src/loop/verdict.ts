import type { Verdict } from '../model/events.js';
import type { Board } from '../threads/board.js';
import type { Budgets } from '../threads/budgets.js';
import type { OutstandingPing } from './outstanding-ping.js';

/** What is to be done about a ping that is still out. `look`: the system has to be asked. */
export type Decision = Extract<Verdict, 'alive' | 'busy' | 'slow'> | 'look';

/**
 * The decision about one ping that is still out; `undefined`: not yet. The board shows what was received up to `seenMs`.
 *
 * | the ping | bytes since | then |
 * | --- | --- | --- |
 * | waits, over the lock's budget | yes | alive: busy, but well |
 * | waits for the lock, over its budget | no | busy: it is sent without the lock, so that the lock hides nothing |
 * | waits, and the server answers in order | no | look: it would wait behind the request, so only the system can tell |
 * | was not written within the timeout | | slow: the lock comes free, the ping stays in its queue |
 * | is out, unanswered for the timeout | lately, or others go out before it | slow: the lock comes free, the ping stays out |
 * | is out | none for the timeout of proven silence | look: dead, unless the system knows better |
 * | is out, and may lie behind other bytes | | look: how far it has got |
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
    // What came since the last turn is not on the board yet.
    const provenMs = waitedMs - (nowMs - seenMs);
    if (provenMs < lockMs) return undefined;
    if (board.receivedAgo(id, nowMs) < waitedMs) return 'alive';
    if (!board.answersInOrder(id)) return 'busy';
    return ping.lookedAgo(nowMs) >= lockMs ? 'look' : undefined;
  }
  if (state === 'queued') return waitedMs >= lockMs + timeoutMs ? 'slow' : undefined;
  if (!ping.isCounting) return undefined;
  // The board counts in whole milliseconds: a deadline at 999.6 of 1,000 ms has come.
  if (ping.silentMs >= timeoutMs - 1) return 'look';
  const isOverdue = board.sentAgo(id, nowMs) >= timeoutMs;
  if (isOverdue && state !== 'overdue' && ping.isAtWork(board, nowMs)) return 'slow';
  return ping.isBehind(board) ? 'look' : undefined;
}
