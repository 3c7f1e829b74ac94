import { ProtocolError } from '../model/errors.js';
import { decodeText, latin1 } from '../pickle/text.js';

/**
 * How to read Python 2's `str`, which was both text and bytes. `ascii`: text if it is ASCII, else bytes, as
 * `zodbpickle` reads it with `errors="bytes"`. (ZODB on Python 3 raises `StateLoadError` for strings that are not ASCII,
 * ZODB#285.) `utf-8`: text if it is valid UTF-8, else bytes. `latin1`: always text.
 * `bytes`: always bytes, even the names of attributes in dicts.
 */
export type Python2Text = 'ascii' | 'utf-8' | 'latin1' | 'bytes';

export const python2Texts: readonly Python2Text[] = ['ascii', 'utf-8', 'latin1', 'bytes'];

/** Maximum length of a conversion, as no budget covers it: longer than any oid, name or date. */
const maxConverted = 256;

/** Converts Python 2's strings in both directions: oids and dates were strings, too, and have to become bytes again. */
export class Python2Strings {
  readonly #text: Python2Text;

  constructor(text: Python2Text) {
    this.#text = text;
  }

  decode(bytes: Uint8Array): string | Uint8Array {
    switch (this.#text) {
      case 'latin1':
        return latin1(bytes);
      case 'bytes':
        return bytes;
      case 'ascii':
        return bytes.every((byte) => byte < 0x80) ? latin1(bytes) : bytes;
      case 'utf-8':
        return utf8OrBytes(bytes);
    }
  }

  /** The original bytes; `undefined` for other types, and for values too long for an id, a date or a name. */
  bytes(value: unknown): Uint8Array | undefined {
    if (value instanceof Uint8Array) return value;
    if (typeof value !== 'string' || value.length > maxConverted) return undefined;
    return new Uint8Array(Buffer.from(value, this.#text === 'utf-8' ? 'utf8' : 'latin1'));
  }

  /** The original text; otherwise like {@link bytes}. */
  text(value: unknown): string | undefined {
    if (typeof value === 'string') return value;
    return value instanceof Uint8Array && value.length <= maxConverted ? latin1(value) : undefined;
  }
}

function utf8OrBytes(bytes: Uint8Array): string | Uint8Array {
  try {
    return decodeText(bytes, 0, bytes.length);
  } catch (error) {
    if (error instanceof ProtocolError) return bytes;
    throw error;
  }
}
