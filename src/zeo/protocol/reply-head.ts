/* Recognizes replies by their first bytes, without decoding the value. */
import type { Encoding } from '../encoding/codec.js';
import { errorFlags } from './message.js';

/** The encoded method `.reply`, which follows the flags. */
const methodPickled = [0x58, 6, 0, 0, 0, 0x2e, 0x72, 0x65, 0x70, 0x6c, 0x79];
const methodPacked = [0xa6, 0x2e, 0x72, 0x65, 0x70, 0x6c, 0x79];

/** First bytes of pickled values that cannot be an exception: None, an empty dict or list, bytes. */
const plainPickles: ReadonlySet<number> = new Set([0x4e, 0x7d, 0x5d, 0x43, 0x42]);

/** The most bytes that {@link peekAnswerId} needs: those of a pickled frame with an id of four bytes. */
export const replyHeadBytes = 3 + 5 + 2 + methodPickled.length;

/**
 * The id of a successful reply in exactly the encoding of ZEO's server; `undefined` for any other frame, which then has to
 * be decoded as a whole.
 *
 * It spares keep-alive pings the decoding of replies whose values are not used.
 */
export function peekReplyId(frame: Uint8Array, encoding: Encoding): number | undefined {
  const flags = flagsIndex(frame, encoding);
  if (flags === 0 || frame[flags] !== 0) return undefined;
  const isWhole = encoding === 'Z' ? isWholePickle(frame, flags) : isWholeArray(frame, flags);
  return isWhole ? idBefore(flags, frame, encoding) : undefined;
}

/**
 * The id of a frame that begins as a reply, with a value or an exception, in the encoding of ZEO's server; `undefined` for
 * any other.
 *
 * @param head the first {@link replyHeadBytes} bytes, or the whole of a shorter frame
 */
export function peekAnswerId(head: Uint8Array, encoding: Encoding): number | undefined {
  const flags = flagsIndex(head, encoding);
  if (flags === 0 || (head[flags] !== 0 && head[flags] !== errorFlags)) return undefined;
  return idBefore(flags, head, encoding);
}

/** Index of the flags, between the id and `.reply`; 0 if the frame does not begin as a reply. */
function flagsIndex(frame: Uint8Array, encoding: Encoding): number {
  const flags = encoding === 'Z' ? pickledFlags(frame) : packedFlags(frame);
  return flags > 0 && matches(frame, flags + 1, encoding === 'Z' ? methodPickled : methodPacked) ? flags : 0;
}

/** `PROTO 3`, `MARK`, the id, the flags, the method, the value, `TUPLE`, `STOP`. */
function pickledFlags(frame: Uint8Array): number {
  if (frame[0] !== 0x80 || frame[1] !== 3 || frame[2] !== 0x28) return 0;
  // An integer of one byte, of two or of four.
  const flags = frame[3] === 0x4b ? 6 : frame[3] === 0x4d ? 7 : frame[3] === 0x4a ? 9 : 0;
  return flags > 0 && frame[flags - 1] === 0x4b ? flags : 0;
}

/** An array of 4: the id, the flags, the method, the value. */
function packedFlags(frame: Uint8Array): number {
  const id = frame[1] as number;
  if (frame[0] !== 0x94) return 0;
  // In the byte itself, from -32 to 127.
  if (id <= 0x7f || id >= 0xe0) return 2;
  // In one, two or four bytes behind it.
  if (id >= 0xcc && id <= 0xce) return 2 + (1 << (id - 0xcc));
  return isSigned(id) ? 2 + (1 << (id - 0xd0)) : 0;
}

function idBefore(flags: number, frame: Uint8Array, encoding: Encoding): number {
  let id = 0;
  if (encoding === 'Z') {
    for (let index = flags - 2; index > 3; index--) id = id * 256 + (frame[index] as number);
    // Only that of four bytes has a sign.
    return flags === 9 ? id | 0 : id;
  }
  for (let index = flags === 2 ? 1 : 2; index < flags; index++) id = id * 256 + (frame[index] as number);
  const unusedBits = 32 - 8 * (flags === 2 ? 1 : flags - 2);
  const type = frame[1] as number;
  return type >= 0xe0 || isSigned(type) ? (id << unusedBits) >> unusedBits : id;
}

/** The types of msgpack's signed integers of one, two and four bytes. */
function isSigned(type: number): boolean {
  return type >= 0xd0 && type <= 0xd2;
}

function isWholePickle(frame: Uint8Array, flags: number): boolean {
  const { length } = frame;
  const value = frame[flags + 1 + methodPickled.length] as number;
  return plainPickles.has(value) && frame[length - 2] === 0x74 && frame[length - 1] === 0x2e;
}

function isWholeArray(frame: Uint8Array, flags: number): boolean {
  return flags + 1 + methodPacked.length < frame.length;
}

function matches(frame: Uint8Array, start: number, expected: readonly number[]): boolean {
  for (let index = 0; index < expected.length; index++) {
    if (frame[start + index] !== expected[index]) return false;
  }
  return true;
}
