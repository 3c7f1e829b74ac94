/**
 * The states of a ping, and what moves it from one to another. The main thread writes some of them on the board; the worker
 * adds what it concludes of a ping that has not been answered at once. A move that is not in the table is a mistake in the
 * loop, and throws.
 *
 * | state | means |
 * | --- | --- |
 * | `waiting` | it waits for the load lock |
 * | `unlocked` | the lock was not free within its budget: the main thread was asked to send it without the lock |
 * | `queued` | it was handed to the connection, which has not written it yet |
 * | `sent` | it is out, and the silence of its peer counts |
 * | `overdue` | it was not answered within the timeout, but the connection is at work: its hold on the lock has ended |
 * | `concluded` | it was answered, or given up, or a verdict was reached |
 */
export type PingState = 'waiting' | 'unlocked' | 'queued' | 'sent' | 'overdue' | 'concluded';

export type PingMove =
  /** The load lock's budget is used up. */
  | 'lockRefused'
  | 'queued'
  | 'written'
  /** The timeout has passed while other bytes came or went. */
  | 'outlasted'
  | 'concluded';

const moves: Readonly<Record<PingState, Partial<Readonly<Record<PingMove, PingState>>>>> = {
  waiting: { lockRefused: 'unlocked', queued: 'queued', written: 'sent', concluded: 'concluded' },
  unlocked: { queued: 'queued', written: 'sent', concluded: 'concluded' },
  queued: { written: 'sent', outlasted: 'overdue', concluded: 'concluded' },
  sent: { outlasted: 'overdue', concluded: 'concluded' },
  overdue: { written: 'overdue', concluded: 'concluded' },
  concluded: {},
};

/** The state after a move. @throws Error for a move that the state does not allow */
export function moved(state: PingState, move: PingMove): PingState {
  const next = moves[state][move];
  if (next === undefined) throw new Error(`A ping that is ${state} cannot be ${move}`);
  return next;
}
