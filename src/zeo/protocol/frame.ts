/** Every frame starts with its length in so many bytes, big-endian (`ZEO/asyncio/smp.py`). */
export const frameHeaderBytes = 4;

/**
 * Room for a frame, from Node's pool of small buffers: memory of its own for each would cost more than all else that is
 * done for a ping.
 */
export function allocateFrame(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(length);
  return new Uint8Array(buffer, byteOffset, length);
}

/** A payload as one frame. */
export function frameOf(payload: Uint8Array): Uint8Array {
  const frame = allocateFrame(frameHeaderBytes + payload.length);
  new DataView(frame.buffer, frame.byteOffset).setUint32(0, payload.length, false);
  frame.set(payload, frameHeaderBytes);
  return frame;
}
