import { decodeMsgpack } from './msgpack-decoder.js';
import { MsgpackEncoder } from './msgpack-encoder.js';
import { decodePickle } from './pickle-decoder.js';
import { PickleEncoder } from './pickle-encoder.js';
import type { Sender } from './pickle-global.js';
import type { Value } from './values.js';

/** The first byte of the greeting: `Z` pickle, `M` msgpack. */
export type Encoding = 'Z' | 'M';

/** Values to frames and back, in one of the two encodings. */
export interface Codec {
  /**
   * The value of a frame without its length.
   *
   * @param sender which Python objects it may hold, as {@link decodePickle} has it; msgpack has none.
   * @throws ProtocolError, and nothing else.
   */
  readonly decode: (payload: Uint8Array, sender: Sender) => Value;
  /** @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` or `ERR_ZEO_FRAME_TOO_LARGE`: the caller's fault. */
  readonly encodeFrame: (value: Value, maxFrameBytes: number) => Uint8Array;
}

const pickle = new PickleEncoder();
const msgpack = new MsgpackEncoder();

/**
 * One of each for all sessions: only a buffer outlives a call, and 10,000 sessions should not have one each.
 */
export const codecs: Readonly<Record<Encoding, Codec>> = {
  Z: {
    decode: decodePickle,
    encodeFrame: (value, maxFrameBytes) => pickle.encodeFrame(value, maxFrameBytes),
  },
  M: {
    decode: decodeMsgpack,
    encodeFrame: (value, maxFrameBytes) => msgpack.encodeFrame(value, maxFrameBytes),
  },
};
