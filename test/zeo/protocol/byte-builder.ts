/** Concatenates numbers, ASCII strings and other bytes: `bytes(0x80, 3, 'K', 1, '.')`. */
export function bytes(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'number') return [part];
      return typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : [...part];
    }),
  );
}

/** A number as four bytes, little-endian, as in pickle. */
export function u32le(value: number): Uint8Array {
  const result = new Uint8Array(4);
  new DataView(result.buffer).setUint32(0, value, true);
  return result;
}

/** A payload or string with its length prefix. */
export function frame(payload: Uint8Array | string): Uint8Array {
  const content = typeof payload === 'string' ? bytes(payload) : payload;
  const result = new Uint8Array(4 + content.length);
  new DataView(result.buffer).setUint32(0, content.length);
  result.set(content, 4);
  return result;
}

/** The payload of a frame, in memory of its own, as if received from a socket. */
export function payloadOf(frame: Uint8Array): Uint8Array {
  return Uint8Array.from(frame.subarray(4));
}

/** Splits a stream into chunks of these sizes; the rest is the last chunk. */
export function split(stream: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(stream.subarray(start, start + size));
    start += size;
  }
  return start < stream.length ? [...chunks, stream.subarray(start)] : chunks;
}
