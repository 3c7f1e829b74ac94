import { ProtocolError } from '../model/errors.js';

// Fatal: invalid UTF-8 is refused, not repaired. A byte order mark is an ordinary character here.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** In bytes. Up to this length a loop is faster than `TextDecoder`. */
const shortText = 24;

/**
 * The text between two offsets.
 *
 * @throws ProtocolError for invalid UTF-8.
 */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= shortText) {
    let text = '';
    let index = start;
    for (; index < end; index++) {
      const byte = bytes[index] as number;
      if (byte > 0x7f) break;
      text += String.fromCharCode(byte);
    }
    if (index === end) return text;
  }
  try {
    return utf8.decode(bytes.subarray(start, end));
  } catch (cause) {
    throw new ProtocolError('Text that is not valid UTF-8', { cause });
  }
}

/** Bytes as text: each byte becomes the character with its number. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
