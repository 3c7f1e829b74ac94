/** Bytes from numbers, ASCII text and other bytes, in order: `bytes(0x80, 3, 'K', 1, '.')`. */
export function bytes(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'number') return [part];
      return typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : [...part];
    }),
  );
}

/** Four bytes, little-endian, as pickle has them. */
export function u32le(value: number): Uint8Array {
  const result = new Uint8Array(4);
  new DataView(result.buffer).setUint32(0, value, true);
  return result;
}

/** A payload, or text, with its length in front. */
export function frame(payload: Uint8Array | string): Uint8Array {
  const content = typeof payload === 'string' ? bytes(payload) : payload;
  const result = new Uint8Array(4 + content.length);
  new DataView(result.buffer).setUint32(0, content.length);
  result.set(content, 4);
  return result;
}

/** What a frame holds behind its length, in memory of its own, as the socket would have brought it. */
export function payloadOf(frame: Uint8Array): Uint8Array {
  return Uint8Array.from(frame.subarray(4));
}

/** A stream cut after every so many bytes; what is left is the last chunk. */
export function split(stream: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(stream.subarray(start, start + size));
    start += size;
  }
  return start < stream.length ? [...chunks, stream.subarray(start)] : chunks;
}
