import type { Encoding } from './codec.js';

/** What can be told of a reply without decoding its value. */
const replyMethodPickled = [0x4b, 0, 0x58, 6, 0, 0, 0, 0x2e, 0x72, 0x65, 0x70, 0x6c, 0x79];
const replyMethodPacked = [0, 0xa6, 0x2e, 0x72, 0x65, 0x70, 0x6c, 0x79];

/** First bytes of a pickled value that is no exception: None, an empty dict or list, bytes. */
const plainPickles: ReadonlySet<number> = new Set([0x4e, 0x7d, 0x5d, 0x43, 0x42]);

/**
 * The id of a frame that is a successful reply in exactly the bytes that ZEO's server writes; `undefined` for any
 * other frame, which then has to be decoded as a whole.
 *
 * It is why a keep-alive ping costs no decoding: nobody looks at the value of its reply.
 */
export function peekReplyId(frame: Uint8Array, encoding: Encoding): number | undefined {
  return encoding === 'Z' ? peekPickle(frame) : peekMsgpack(frame);
}

/** `PROTO 3`, `MARK`, the id, 0, `.reply`, the value, `TUPLE`, `STOP`. */
function peekPickle(frame: Uint8Array): number | undefined {
  const { length } = frame;
  if (frame[0] !== 0x80 || frame[1] !== 3 || frame[2] !== 0x28) return undefined;
  if (frame[length - 2] !== 0x74 || frame[length - 1] !== 0x2e) return undefined;
  let id: number;
  let next: number;
  switch (frame[3]) {
    case 0x4b:
      id = at(frame, 4);
      next = 5;
      break;
    case 0x4d:
      id = at(frame, 4) + at(frame, 5) * 0x100;
      next = 6;
      break;
    case 0x4a:
      id = at(frame, 4) + at(frame, 5) * 0x100 + at(frame, 6) * 0x1_0000 + at(frame, 7) * 0x100_0000;
      next = 8;
      break;
    default:
      return undefined;
  }
  const value = next + replyMethodPickled.length;
  const isReply = matches(frame, next, replyMethodPickled) && plainPickles.has(at(frame, value));
  // A negative id is not worth the arithmetic.
  return isReply && id <= 0x7fff_ffff ? id : undefined;
}

/** An array of 4: the id, 0, `.reply`, the value. */
function peekMsgpack(frame: Uint8Array): number | undefined {
  if (frame[0] !== 0x94) return undefined;
  let id = at(frame, 1);
  let next = 2;
  if (id === 0xcc || id === 0xcd || id === 0xce) {
    const size = 1 << (id - 0xcc);
    id = 0;
    for (; next < 2 + size; next++) id = id * 256 + at(frame, next);
  } else if (id > 0x7f) {
    return undefined;
  }
  const isReply = matches(frame, next, replyMethodPacked);
  return isReply && next + replyMethodPacked.length < frame.length ? id : undefined;
}

function at(frame: Uint8Array, index: number): number {
  // Beyond the end it reads as 0; the comparison with the method's name then fails.
  return frame[index] ?? 0;
}

function matches(frame: Uint8Array, start: number, expected: readonly number[]): boolean {
  for (let index = 0; index < expected.length; index++) {
    if (frame[start + index] !== expected[index]) return false;
  }
  return true;
}
