import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PingInjector } from '#src/guard/ping-injector.js';
import { split } from '../zeo/protocol/byte-builder.js';
import { cuts, encodings, frames, joined, messageOf } from './streams.js';

function injecting(encoding: 'Z' | 'M') {
  const passed: Uint8Array[] = [];
  const pings: number[] = [];
  const injector = new PingInjector(encoding, {
    pass: (bytes) => passed.push(bytes),
    ping: (id, frame) => {
      pings.push(id);
      passed.push(frame);
    },
  });
  return { injector, passed, pings };
}

describe('PingInjector', () => {
  for (const encoding of encodings) {
    it(`puts pings between the frames of ${encoding}, wherever the stream is cut`, () => {
      fc.assert(
        fc.property(frames, cuts, fc.array(fc.boolean()), (sent, sizes, asks) => {
          const { injector, passed, pings } = injecting(encoding);
          split(joined(sent), sizes).forEach((chunk, index) => {
            if (asks[index]) injector.ping();
            injector.receive(chunk);
          });
          // The frames and the pings, each whole: a ping inside of a frame would tear both apart.
          const stream = joined(passed);
          const found: Buffer[] = [];
          for (let at = 0; at < stream.length; at += 4 + stream.readUInt32BE(at))
            found.push(stream.subarray(at, at + 4 + stream.readUInt32BE(at)));
          const isPing = (bytes: Buffer) =>
            pings.some((id) => bytes.equals(messageOf(encoding, id, false, 'ping', [])));
          assert.deepEqual(joined(found.filter((bytes) => !isPing(bytes))), joined(sent));
          assert.equal(found.filter(isPing).length, pings.length);
          assert.deepEqual(
            pings,
            pings.map((_, index) => -2 - index),
          );
        }),
        { numRuns: 300 },
      );
    });
  }

  it('knows how far it is to a ping that waits for the end of a frame', () => {
    const { injector, passed } = injecting('Z');
    const [header, body] = [Uint8Array.of(0, 0, 1, 0), new Uint8Array(256)];
    injector.receive(header.subarray(0, 2));
    injector.ping();
    assert.deepEqual([injector.isWaiting, injector.bytesToPing], [true, undefined]);
    injector.receive(header.subarray(2));
    const pingBytes = messageOf('Z', -2, false, 'ping', []).length;
    assert.equal(injector.bytesToPing, 256 + pingBytes);
    injector.receive(body.subarray(0, 100));
    assert.equal(injector.bytesToPing, 156 + pingBytes);
    injector.receive(body.subarray(100));
    assert.deepEqual([injector.isWaiting, injector.bytesToPing], [false, undefined]);
    assert.equal(joined(passed).length, 4 + 256 + pingBytes);
  });

  it('lets a ping that waits stand for one that is asked for meanwhile', () => {
    const { injector, pings } = injecting('M');
    injector.receive(Uint8Array.of(0, 0, 0, 1));
    assert.equal(injector.ping(), injector.ping());
    injector.receive(Uint8Array.of(7));
    assert.deepEqual(pings, [-2]);
    assert.equal(injector.ping(), -3);
  });

  it('passes chunks on as they came, without a copy', () => {
    const { injector, passed } = injecting('Z');
    const chunk = joined([messageOf('Z', 1, false, 'loadBefore', []), messageOf('Z', 2, false, 'ping', [])]);
    injector.receive(chunk);
    assert.deepEqual([passed.length, passed[0]], [1, chunk]);
    assert.equal(passed[0]?.buffer, chunk.buffer);
  });
});
