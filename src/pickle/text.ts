import { ProtocolError } from '../model/errors.js';

// Fatal: what is no UTF-8 is refused, not repaired. The byte order mark is a character like any other here.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to this length a loop beats the call into `TextDecoder`, in bytes. */
const shortText = 24;

/**
 * The text that lies as UTF-8 between two offsets.
 *
 * @throws ProtocolError when it is no valid UTF-8.
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

/** Bytes as the text whose characters have their numbers. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
