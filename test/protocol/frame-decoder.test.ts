import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameDecoder } from '../../src/zeo/protocol/frame-decoder.js';
import { bytes, frame, split } from './byte-builder.js';
import { expectFault } from './expect-fault.js';

const limit = 100_000;

function framesOf(chunks: readonly Uint8Array[], decoder = new FrameDecoder()): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let next = decoder.next(limit); next !== undefined; next = decoder.next(limit)) frames.push(next);
  }
  return frames;
}

describe('FrameDecoder', () => {
  it('finds the same frames however the stream is cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 });
    const cuts = fc.array(fc.nat(1500), { maxLength: 30 });
    fc.assert(
      fc.property(payloads, cuts, (expected, sizes) => {
        const stream = Uint8Array.from(expected.flatMap((payload) => [...frame(payload)]));
        assert.deepEqual(framesOf([stream]), expected);
        assert.deepEqual(framesOf(split(stream, sizes)), expected);
      }),
      { numRuns: 60 },
    );
  });

  it('finds the frames of a stream that comes byte by byte', () => {
    const stream = bytes(frame('one'), frame(''), frame('three'));
    assert.deepEqual(framesOf([...stream].map((byte) => bytes(byte))), [
      bytes('one'),
      bytes(),
      bytes('three'),
    ]);
  });

  it('gives views of a chunk, not copies, and never Buffers', () => {
    const chunk = Buffer.from(frame('whole'));
    const [whole] = framesOf([chunk]) as [Uint8Array];
    assert.equal(whole.buffer, chunk.buffer);
    assert.equal(whole.constructor, Uint8Array);
  });

  it('refuses a length over the limit as soon as its four bytes are there', () => {
    for (const chunks of [[bytes(0xff, 0xff, 0xff, 0xff)], [bytes(0, 1), bytes(0x86), bytes(0xa1)]]) {
      expectFault(() => framesOf(chunks), 'ERR_ZEO_FRAME_TOO_LARGE', /bytes announced, the limit is 100000/);
    }
  });

  it('accepts a frame of exactly the limit', () => {
    assert.equal(framesOf([frame(new Uint8Array(limit))])[0]?.length, limit);
  });

  it('takes no memory for a length that is only announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 50 }, () => {
      const decoder = new FrameDecoder();
      decoder.push(bytes(0x08, 0, 0, 0, 'only this much'));
      assert.equal(decoder.next(128 * 1024 * 1024), undefined);
      return decoder;
    });
    assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000);
    assert.equal(decoders.length, 50);
  });

  it('gathers a large frame from small chunks without quadratic copying', () => {
    const size = 16 * 1024 * 1024;
    const decoder = new FrameDecoder();
    decoder.push(bytes(0x01, 0, 0, 0));
    assert.equal(decoder.next(size), undefined);
    const chunk = new Uint8Array(256).fill(7);
    let whole: Uint8Array | undefined;
    // 65,536 chunks: copying all before each would move half a terabyte.
    for (let received = 0; received < size; received += chunk.length) {
      decoder.push(chunk);
      whole = decoder.next(size);
    }
    assert.equal(whole?.length, size);
    assert.equal(whole?.[size - 1], 7);
  });

  it('shows what is known of a frame that is not complete', () => {
    const decoder = new FrameDecoder();
    for (const chunk of [bytes(0, 0), bytes(0, 9, 'ab'), bytes('cd')]) {
      decoder.push(chunk);
      decoder.next(limit);
    }
    assert.deepEqual(decoder.peek(40), bytes(0, 0, 0, 9, 'abcd'));
  });
});
