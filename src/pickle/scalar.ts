import { decodeLong, parseFloatText, parseIntegerOrBoolean, parseLong } from './number.js';
import { op } from './opcode.js';
import { decodeRawUnicode } from './raw-unicode.js';
import type { PickleReader } from './reader.js';

/** A value that contains no others. */
export type Scalar = null | boolean | number | bigint | string | Uint8Array;

/**
 * The scalar that an opcode pushes, or `undefined` for an opcode of another kind.
 *
 * Python 2's `STRING` opcodes are bytes: only `zodbpickle.binary` still writes them.
 *
 * @throws ProtocolError for a malformed scalar.
 */
export function readScalar(reader: PickleReader, opcode: number): Scalar | undefined {
  switch (opcode) {
    case op.binUnicode:
      return reader.text(reader.u32());
    case op.shortBinBytes:
    case op.shortBinString:
      return reader.bytes(reader.u8());
    case op.binInt1:
      return reader.u8();
    case op.binInt2:
      return reader.u16();
    case op.binInt:
      return reader.i32();
    case op.none:
      return null;
    case op.newTrue:
      return true;
    case op.newFalse:
      return false;
    case op.long1:
      return decodeLong(reader.bytes(reader.u8()));
    case op.long4:
      return decodeLong(reader.bytes(reader.u32()));
    case op.binFloat:
      return reader.f64();
    case op.binBytes:
    case op.binString:
      return reader.bytes(reader.u32());
    case op.shortBinUnicode:
      return reader.text(reader.u8());
    case op.binUnicode8:
      return reader.text(reader.length8());
    case op.binBytes8:
    case op.byteArray8:
      return reader.bytes(reader.length8());
    case op.int:
      return parseIntegerOrBoolean(reader.asciiLine());
    case op.long:
      return parseLong(reader.asciiLine());
    case op.float:
      return parseFloatText(reader.asciiLine());
    case op.unicode:
      return decodeRawUnicode(reader.line(reader.remaining));
    default:
      return undefined;
  }
}
