import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AnswerFilter, mostHeldBytes } from '#src/guard/answer-filter.js';
import { split } from '../zeo/protocol/byte-builder.js';
import { cuts, encodings, frames, joined, messageOf } from './streams.js';

function filtering(encoding: 'Z' | 'M') {
  const passed: Uint8Array[] = [];
  const answered: number[] = [];
  const filter = new AnswerFilter(encoding, {
    pass: (bytes) => passed.push(bytes),
    answered: (id) => answered.push(id),
  });
  return { filter, passed, answered };
}

describe('AnswerFilter', () => {
  for (const encoding of encodings) {
    const answer = (id: number) => messageOf(encoding, id, 0, '.reply', null);
    const refusal = (id: number) =>
      messageOf(encoding, id, 2, '.reply', ['builtins.AttributeError', ['no such method '.repeat(20)]]);

    it(`takes out the answers to pings in ${encoding}, and only those, however they come`, () => {
      const places = fc.array(fc.nat(8), { maxLength: 4 });
      fc.assert(
        fc.property(frames, places, cuts, fc.boolean(), (sent, places, sizes, isRefused) => {
          const { filter, passed, answered } = filtering(encoding);
          const stream = [...sent];
          const ids = places.map((place, index) => {
            const id = -2 - index * 40;
            stream.splice(place, 0, isRefused ? refusal(id) : answer(id));
            filter.expect(id);
            return id;
          });
          for (const chunk of split(joined(stream), sizes)) filter.receive(chunk);
          filter.end();
          assert.deepEqual(joined(passed), joined(sent));
          assert.deepEqual([...answered].sort(), [...ids].sort());
          assert.ok(filter.isBetweenFrames);
        }),
        { numRuns: 300 },
      );
    });

    it(`leaves the answers to others in ${encoding}, and what looks like one of its own later`, () => {
      const { filter, passed, answered } = filtering(encoding);
      filter.expect(-2);
      const others = [answer(2), answer(-3), messageOf(encoding, 0, true, 'info', [{}]), refusal(7)];
      filter.receive(joined([...others, answer(-2), answer(-2)]));
      assert.deepEqual(joined(passed), joined([...others, answer(-2)]));
      assert.deepEqual(answered, [-2]);
    });
  }

  it('holds back no more than the head of a frame, and that only while a ping is out', () => {
    const { filter, passed } = filtering('Z');
    const large = joined([Uint8Array.of(0, 1, 0, 0), new Uint8Array(65_536)]);
    filter.receive(large.subarray(0, 3));
    assert.equal(joined(passed).length, 3);
    filter.receive(large.subarray(3));
    filter.expect(-2);
    filter.receive(large.subarray(0, mostHeldBytes));
    assert.equal(joined(passed).length, large.length);
    filter.receive(large.subarray(mostHeldBytes, mostHeldBytes + 1));
    assert.equal(joined(passed).length, large.length + mostHeldBytes + 1);
  });

  it('passes on a frame that is announced with 4 GiB while a ping is out', () => {
    const { filter, passed } = filtering('M');
    filter.expect(-2);
    const chunk = Buffer.alloc(100_000, 255);
    for (let count = 0; count < 10; count++) filter.receive(chunk);
    assert.equal(joined(passed).length, 10 * chunk.length);
  });

  it('passes on what it held back when the server ends in the middle of a frame', () => {
    const { filter, passed } = filtering('M');
    filter.expect(-2);
    filter.receive(Uint8Array.of(0, 0, 0));
    assert.ok(!filter.isBetweenFrames);
    filter.end();
    assert.deepEqual(joined(passed), Buffer.of(0, 0, 0));
  });

  it('passes chunks on as they came, without a copy', () => {
    const { filter, passed } = filtering('Z');
    filter.expect(-2);
    const chunk = joined([messageOf('Z', 1, 0, '.reply', null), messageOf('Z', 2, 0, '.reply', null)]);
    filter.receive(chunk);
    assert.deepEqual([passed.length, passed[0]?.buffer], [1, chunk.buffer]);
  });
});
