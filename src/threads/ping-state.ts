/**
 * The states of a ping, and the moves between them. The main thread writes some of them on the board; the worker adds its
 * own conclusions about a ping that was not answered at once. A move that the table does not allow is a bug in the loop, and
 * throws.
 *
 * | state | means |
 * | --- | --- |
 * | `waiting` | it waits for the lock, or behind a request |
 * | `unlocked` | the lock was not free within its budget: the main thread was asked to send it without the lock |
 * | `queued` | it was handed to the connection, which has not written it yet |
 * | `sent` | it was written, and the peer's silence counts |
 * | `overdue` | it was not answered within the timeout, but bytes are flowing, or the server may take longer: the lock has been released |
 * | `concluded` | it was answered or abandoned, or a verdict was reached |
 */
export type PingState = 'waiting' | 'unlocked' | 'queued' | 'sent' | 'overdue' | 'concluded';

export type PingMove =
  /** The lock was not free within its budget. */
  | 'lockRefused'
  | 'queued'
  | 'written'
  /** The timeout has expired, but the peer is not dead. */
  | 'overdue'
  /** A request of the application is out that may keep it from being answered. */
  | 'calledOff'
  | 'concluded';

const moves: Readonly<Record<PingState, Partial<Readonly<Record<PingMove, PingState>>>>> = {
  waiting: { lockRefused: 'unlocked', queued: 'queued', written: 'sent', concluded: 'concluded' },
  unlocked: { queued: 'queued', written: 'sent', concluded: 'concluded' },
  queued: { written: 'sent', overdue: 'overdue', calledOff: 'waiting', concluded: 'concluded' },
  sent: { overdue: 'overdue', calledOff: 'waiting', concluded: 'concluded' },
  overdue: { written: 'overdue', calledOff: 'waiting', concluded: 'concluded' },
  concluded: {},
};

/** Returns the state after a move. @throws Error if the state does not allow the move */
export function moved(state: PingState, move: PingMove): PingState {
  const next = moves[state][move];
  if (next === undefined) throw new Error(`A ping that is ${state} cannot be ${move}`);
  return next;
}
