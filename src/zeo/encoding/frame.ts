/** Every frame starts with its length, big-endian, in this number of bytes (`ZEO/asyncio/smp.py`). */
export const frameHeaderBytes = 4;

/** A payload as one frame. */
export function frameOf(payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  new DataView(frame.buffer, frame.byteOffset).setUint32(0, payload.length, false);
  frame.set(payload, frameHeaderBytes);
  return frame;
}
