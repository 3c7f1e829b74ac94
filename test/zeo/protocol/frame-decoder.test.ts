import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameDecoder, type OversizedFrame } from '#src/zeo/protocol/frame-decoder.js';
import { bytes, frame, split } from './byte-builder.js';

const limit = 20;
const headBytes = 5;

function framesOf(
  chunks: readonly Uint8Array[],
  decoder = new FrameDecoder(),
): (Uint8Array | OversizedFrame)[] {
  const frames: (Uint8Array | OversizedFrame)[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (;;) {
      const frame = decoder.next(limit, headBytes);
      if (frame === undefined) break;
      frames.push(frame);
    }
  }
  return frames;
}

describe('FrameDecoder', () => {
  it('returns the same frames however the stream is split', () => {
    // Otherwise fast-check rarely generates more than ten bytes.
    const size = 'max';
    const payloads = fc.array(fc.uint8Array({ maxLength: 40, size }), { maxLength: 5 });
    const cuts = fc.array(fc.nat(30), { maxLength: 30, size });
    fc.assert(
      fc.property(payloads, cuts, (contents, sizes) => {
        const stream = Uint8Array.from(contents.flatMap((payload) => [...frame(payload)]));
        const expected = contents.map((payload) =>
          payload.length <= limit
            ? payload
            : { length: payload.length, head: payload.subarray(0, headBytes) },
        );
        for (const chunks of [[stream], split(stream, sizes), split(stream, Array(stream.length).fill(1))])
          assert.deepEqual(framesOf(chunks), expected);
      }),
      { numRuns: 200 },
    );
  });

  it('returns the frames of a stream that arrives byte by byte', () => {
    const stream = bytes(frame('one'), frame(''), frame('three'));
    assert.deepEqual(framesOf([...stream].map((byte) => bytes(byte))), [
      bytes('one'),
      bytes(),
      bytes('three'),
    ]);
  });

  it('returns views of a chunk, not copies, and never Buffers', () => {
    const chunk = Buffer.from(frame('whole'));
    const [whole] = framesOf([chunk]) as [Uint8Array];
    assert.equal(whole.buffer, chunk.buffer);
    assert.equal(whole.constructor, Uint8Array);
  });

  it('reports a length over the limit once its four bytes arrived', () => {
    for (const chunks of [[bytes(0xff, 0xff, 0xff, 0xff)], [bytes(0xff, 0xff), bytes(0xff), bytes(0xff)]]) {
      const decoder = new FrameDecoder();
      const results = chunks.map((chunk) => {
        decoder.push(chunk);
        return decoder.next(limit, 0);
      });
      assert.deepEqual(results.at(-1), { length: 2 ** 32 - 1, head: bytes() });
    }
  });

  it('skips a frame of 4 GiB without memory, and returns the next one', () => {
    const decoder = new FrameDecoder();
    const chunk = new Uint8Array(16 * 1024 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    const found = framesOf([bytes(0xff, 0xff, 0xff, 0xff), chunk], decoder);
    assert.deepEqual(found, [{ length: 2 ** 32 - 1, head: new Uint8Array(headBytes) }]);
    for (let count = 2; count < 256; count++) assert.deepEqual(framesOf([chunk], decoder), []);
    assert.deepEqual(framesOf([chunk.subarray(1)], decoder), []);
    assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000);
    assert.deepEqual(framesOf([frame('next')], decoder), [bytes('next')]);
  });

  it('accepts a frame of exactly the limit', () => {
    assert.deepEqual(framesOf([frame(new Uint8Array(limit))]), [new Uint8Array(limit)]);
  });

  it('allocates nothing for a length that is only announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 50 }, () => {
      const decoder = new FrameDecoder();
      decoder.push(bytes(0x08, 0, 0, 0, 'only this much'));
      assert.equal(decoder.next(128 * 1024 * 1024, 0), undefined);
      return decoder;
    });
    assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000);
    assert.equal(decoders.length, 50);
  });

  it('gathers a large frame from small chunks without quadratic copying', () => {
    const size = 16 * 1024 * 1024;
    const decoder = new FrameDecoder();
    decoder.push(bytes(0x01, 0, 0, 0));
    assert.equal(decoder.next(size, 0), undefined);
    const chunk = new Uint8Array(256).fill(7);
    let whole: Uint8Array | OversizedFrame | undefined;
    // 65,536 chunks: copying all previous bytes for each would move half a terabyte.
    for (let received = 0; received < size; received += chunk.length) {
      decoder.push(chunk);
      whole = decoder.next(size, 0);
    }
    assert.ok(whole instanceof Uint8Array);
    assert.equal(whole.length, size);
    assert.equal(whole[size - 1], 7);
  });

  it('peeks at the bytes of an incomplete frame', () => {
    const decoder = new FrameDecoder();
    for (const chunk of [bytes(0, 0), bytes(0, 9, 'ab'), bytes('cd')]) {
      decoder.push(chunk);
      decoder.next(limit, headBytes);
    }
    assert.deepEqual(decoder.peek(40), bytes(0, 0, 0, 9, 'abcd'));
  });
});
