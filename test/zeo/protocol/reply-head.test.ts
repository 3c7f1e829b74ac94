import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codecs } from '#src/zeo/encoding/codec.js';
import { peekAnswerId, replyHeadBytes } from '#src/zeo/protocol/index.js';
import { peekReplyId } from '#src/zeo/protocol/reply-head.js';
import { payloadOf } from './byte-builder.js';

/** On both sides of every width that either encoding has. */
const ids = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31 - 1].flatMap((id) => [id, -id - 1, -id - 2]);

describe('The head of a reply', () => {
  for (const encoding of ['Z', 'M'] as const) {
    const message = (id: number, flags: number, value: null | [string, string[]]) =>
      payloadOf(codecs[encoding].encodeFrame([id, flags, '.reply', value], 1000));

    it(`has the id that was encoded, negative or not, in ${encoding}`, () => {
      const known = ids.filter((id) => id >= -(2 ** 31));
      assert.deepEqual(
        known.map((id) => peekReplyId(message(id, 0, null), encoding)),
        known,
      );
    });

    it(`is enough to know the id of an exception, too, in ${encoding}`, () => {
      const heads = [-2, -33, -200, -40_000].map((id) => {
        const payload = message(id, 2, ['builtins.ValueError', ['a longer text than the head has room for']]);
        return peekAnswerId(payload.subarray(0, replyHeadBytes), encoding);
      });
      assert.deepEqual(heads, [-2, -33, -200, -40_000]);
    });
  }
});
