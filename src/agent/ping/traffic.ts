/*
 * Records a target's connection and its traffic on the board. Functions rather than an object per ping: there are thousands of
 * pings a second.
 */
import { fromPerformanceNow } from '../../async/clock.js';
import type { Board } from '../../threads/board.js';
import type { TrackedTarget } from './tracked-target.js';

/** Records when the last byte came. */
export function noteBytesReceived(board: Board, { id, target }: TrackedTarget, nowMs: number): void {
  const { lastReceivedAt } = target;
  // A target whose times are ahead of the clock, because it uses another one, would never be silent.
  const atMs = lastReceivedAt === undefined ? undefined : Math.min(fromPerformanceNow(lastReceivedAt), nowMs);
  board.bytesReceived(id, atMs);
}

/**
 * Records how many bytes were handed to the system after the ping, if the target knows.
 *
 * @param pingEnd how many bytes the target had written up to the end of the ping
 */
export function noteBytesSent(board: Board, { id, target }: TrackedTarget, pingEnd: number): void {
  const { outgoing } = target;
  if (outgoing === undefined) return;
  board.bytesSentSince(id, outgoing.writtenBytes - outgoing.heldBackBytes - pingEnd);
}

/** Records the connection. Returns its generation. */
export function recordConnection(board: Board, { id, target }: TrackedTarget): number {
  const { generation } = target;
  board.connectedBy(id, target.socketPorts, generation);
  return generation;
}

/** Records the connection, unless the board has it with its ports. Returns its generation. */
export function recordNewConnection(board: Board, tracked: TrackedTarget): number {
  const { generation } = tracked.target;
  // Once per connection: asking a socket for its ports is a considerable part of the cost of a ping.
  return board.hasConnection(tracked.id, generation) ? generation : recordConnection(board, tracked);
}
