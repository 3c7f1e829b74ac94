import { ProtocolError } from '../model/errors.js';

const escapes: Readonly<Record<string, number>> = {
  '\\': 0x5c,
  "'": 0x27,
  '"': 0x22,
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
};

/** An escape, or a run of anything else; a backslash before another letter stands for itself. */
const token = /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|([\\'"abfnrtv]))|[^\\]+|\\(?=[^x])/gy;

/**
 * The bytes of a string in pickle protocol 0, which is written as Python 2's `repr`: in quotes, with escapes.
 *
 * @param literal Latin-1 text, as in the pickle.
 * @throws ProtocolError if the quotes do not match, or an escape is cut short.
 */
export function parseStringLiteral(literal: string): Uint8Array {
  const text = literal.trimEnd();
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) {
    throw new ProtocolError('Pickle has a string without matching quotes');
  }
  const content = text.slice(1, -1);
  const bytes = new Uint8Array(content.length);
  let length = 0;
  let read = 0;
  for (const [whole, octal, hex, letter] of content.matchAll(token)) {
    read += whole.length;
    if (octal !== undefined) bytes[length++] = Number.parseInt(octal, 8);
    else if (hex !== undefined) bytes[length++] = Number.parseInt(hex, 16);
    else if (letter !== undefined) bytes[length++] = escapes[letter] as number;
    else for (let index = 0; index < whole.length; index++) bytes[length++] = whole.charCodeAt(index);
  }
  // The tokens are adjacent, so anything left over is not a token.
  if (read !== content.length) throw new ProtocolError('Pickle has a string with an incomplete escape');
  return bytes.subarray(0, length);
}
