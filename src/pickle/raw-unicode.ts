import { ProtocolError } from '../model/errors.js';

/**
 * Text in Python's `raw-unicode-escape`, in which pickle protocol 0 writes it: Latin-1, and `\uXXXX` or
 * `\UXXXXXXXX` for the rest. A backslash before anything else stands for itself.
 *
 * @param surrogates some builds of Python 2 wrote a character beyond U+FFFF as the two halves of a surrogate pair.
 * @throws ProtocolError for an escape beyond Unicode, or for half of a surrogate pair unless those are kept.
 */
export function decodeRawUnicode(bytes: Uint8Array, surrogates?: 'keep surrogates'): string {
  const text = new TextDecoder('utf-16le').decode(widened(bytes));
  const decoded = text.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g, (_, short, long) =>
    character(Number.parseInt(short ?? long, 16), surrogates !== undefined),
  );
  return decoded;
}

function character(code: number, keepsSurrogates: boolean): string {
  if (code > 0x10ffff || (!keepsSurrogates && code >= 0xd800 && code <= 0xdfff)) {
    throw new ProtocolError('Pickle has text with an escape outside of Unicode');
  }
  return String.fromCodePoint(code);
}

/** Latin-1 is the first 256 characters of Unicode, so every byte is a UTF-16 unit. */
function widened(bytes: Uint8Array): Uint16Array {
  return Uint16Array.from(bytes);
}
