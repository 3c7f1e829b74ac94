/* What both sides of a relayed connection have in common. */
import type { Socket } from 'node:net';

/**
 * One side is not read while this many bytes or more wait for the other one to take them. What was read before the limit was
 * reached comes on top: one chunk, and one that the stream had asked for already, of 64 KiB each.
 */
export const relayBufferBytes = 1024 * 1024;

/** What Node reads at once. If it is that much, more has come already, and is read in the same turn of the loop. */
const fullReadBytes = 64 * 1024;

/**
 * Writes to a side what was read from the other one; of a large frame all that is read in one turn of the loop at once.
 * Python's clients and servers copy all that they have of a frame for each piece that they read, so that a record of 64 MiB
 * in small pieces takes them several times as long.
 */
export function passOn(bytes: Uint8Array, side: Socket): void {
  // The relay is ending both sides, and the other one does not know yet.
  if (side.writableEnded) return;
  if (bytes.length >= fullReadBytes && side.writableCorked === 0) {
    side.cork();
    setImmediate(() => side.uncork());
  }
  side.write(bytes);
}
