import type { Socket } from 'node:net';
import { transportOf } from './socket-view.js';

/** Ends a connection so that its peer cannot take it for an orderly end. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  const transport = transportOf(socket);
  // While its end is being sent libuv refuses a reset, and Node would leave the handle open for good.
  const isEnding = [socket, transport].some((side) => side.writableEnded && !side.writableFinished);
  try {
    if (!isEnding) transport.resetAndDestroy();
  } catch {
    // Only TCP has a reset: not a unix domain socket, and not TLS that Node has connected by itself.
  }
  socket.destroy();
}
