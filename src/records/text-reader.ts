import { ProtocolError } from '../model/errors.js';
import { recordOp as op } from '../pickle/opcode.js';
import { decodeRawUnicode } from '../pickle/raw-unicode.js';
import type { PickleReader } from '../pickle/reader.js';
import { parseStringLiteral } from '../pickle/string-literal.js';
import { decodeText, latin1 } from '../pickle/text.js';
import type { Python2Strings } from './python2-strings.js';

/** Reads text in all the forms in which versions of Python have written it. */
export class TextReader {
  readonly #record: Uint8Array;
  readonly #reader: PickleReader;
  readonly #strings: Python2Strings;

  constructor(record: Uint8Array, reader: PickleReader, strings: Python2Strings) {
    this.#record = record;
    this.#reader = reader;
    this.#strings = strings;
  }

  /**
   * The text or string of Python 2 that an opcode pushes, or `undefined` for an opcode of another kind.
   *
   * @throws ProtocolError for a malformed text.
   */
  read(opcode: number): string | Uint8Array | undefined {
    const reader = this.#reader;
    switch (opcode) {
      case op.binUnicode:
        return this.#utf8(reader.u32());
      case op.shortBinUnicode:
        return this.#utf8(reader.u8());
      case op.binUnicode8:
        return this.#utf8(reader.length8());
      case op.unicode:
        return decodeRawUnicode(reader.line(reader.remaining), 'keep surrogates');
      case op.binString:
        return this.#strings.decode(reader.bytes(reader.u32()));
      case op.shortBinString:
        return this.#strings.decode(reader.bytes(reader.u8()));
      case op.string:
        return this.#strings.decode(parseStringLiteral(latin1(reader.line(reader.remaining))));
      default:
        return undefined;
    }
  }

  /**
   * Unlike a message, a record may contain lone surrogates, as Python's `str` can: pickle writes them as UTF-8 would if it
   * allowed them (`surrogatepass`). JavaScript's strings can hold them, too.
   */
  #utf8(length: number): string {
    const start = this.#record.length - this.#reader.remaining;
    try {
      return this.#reader.text(length);
    } catch (error) {
      const isWhole = start + length <= this.#record.length;
      if (!isWhole || !(error instanceof ProtocolError)) throw error;
      return decodeSurrogates(this.#record.subarray(start, start + length));
    }
  }
}

function decodeSurrogates(bytes: Uint8Array): string {
  let text = '';
  let start = 0;
  for (let index = bytes.indexOf(0xed); index >= 0; index = bytes.indexOf(0xed, index + 1)) {
    const [second = 0, third = 0] = bytes.subarray(index + 1, index + 3);
    if ((second & 0xe0) !== 0xa0 || (third & 0xc0) !== 0x80) continue;
    text += decodeText(bytes, start, index);
    text += String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
    start = index + 3;
  }
  return text + decodeText(bytes, start, bytes.length);
}
