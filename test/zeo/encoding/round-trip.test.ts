import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeepAliveError } from '#src/model/errors.js';
import { codecs, type Encoding } from '#src/zeo/encoding/codec.js';
import { PythonException, type Value } from '#src/zeo/encoding/values.js';
import { payloadOf } from '../protocol/byte-builder.js';
import { fromHex } from '../protocol/recorded-frames.js';
import { msgpackValue, pickleValue } from './arbitrary-value.js';

const limit = 1_000_000;

function roundTrip(encoding: Encoding, value: Value): Value {
  return codecs[encoding].decode(payloadOf(codecs[encoding].encodeFrame(value, limit)), 'server');
}

function payloadHex(encoding: Encoding, value: Value): string {
  return Buffer.from(payloadOf(codecs[encoding].encodeFrame(value, limit))).toString('hex');
}

function refusesToEncode(
  encoding: Encoding,
  value: unknown,
  message: RegExp,
  code = 'ERR_ZEO_INVALID_ARGUMENT',
): void {
  assert.throws(
    () => codecs[encoding].encodeFrame(value as Value, limit),
    (error) => error instanceof KeepAliveError && error.code === code && message.test(error.message),
  );
}

for (const [encoding, arbitrary] of [
  ['Z', pickleValue],
  ['M', msgpackValue],
] as const) {
  describe(`values in encoding ${encoding}`, () => {
    it('are the same after a round trip', () => {
      fc.assert(
        fc.property(arbitrary, (value) => assert.deepEqual(roundTrip(encoding, value), value)),
        { numRuns: 500 },
      );
    });

    it('keep integers exact at the boundaries of each width', () => {
      const powers = [7n, 8n, 15n, 16n, 31n, 32n, 47n, 48n, 53n, 62n].map((bits) => 2n ** bits);
      for (const integer of powers.flatMap((power) => [
        power - 1n,
        power,
        -power - 1n,
        -power,
        -power + 1n,
      ])) {
        const value = Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
        assert.strictEqual(roundTrip(encoding, value), value);
        assert.strictEqual(roundTrip(encoding, integer), value);
      }
    });

    it('keep values that only floats have', () => {
      for (const number of [0.5, Infinity, -Infinity, Number.NaN, 1e300, 5e-324]) {
        assert.strictEqual(roundTrip(encoding, number), number);
      }
    });

    it('keep text and bytes of lengths around the limits of an encoding', () => {
      for (const length of [0, 24, 25, 31, 32, 200, 255, 256, 65_535, 65_536]) {
        for (const character of ['a', 'é', '😀']) {
          const text = character.repeat(length);
          assert.strictEqual(roundTrip(encoding, text), text);
        }
        const data = new Uint8Array(length).fill(length);
        assert.deepEqual(roundTrip(encoding, data), data);
      }
    });

    it('are refused if the encoding cannot carry them', () => {
      const cycle: unknown[] = [];
      cycle.push(cycle);
      refusesToEncode(encoding, '\ud800', /lone surrogate/);
      refusesToEncode(encoding, `${'long'.repeat(20)}\udc00`, /lone surrogate/);
      refusesToEncode(encoding, { '\ud800': 1 }, /lone surrogate/);
      refusesToEncode(encoding, undefined, /type undefined/);
      refusesToEncode(encoding, new Array(2), /type undefined/);
      refusesToEncode(encoding, () => 1, /type function/);
      refusesToEncode(encoding, new Date(), /an instance of Date/);
      refusesToEncode(encoding, new PythonException('a.Error', []), /an instance of PythonException/);
      refusesToEncode(encoding, cycle, /deeper than 100/);
      refusesToEncode(encoding, new Uint8Array(limit), /the limit is 1000000/, 'ERR_ZEO_FRAME_TOO_LARGE');
    });

    it('are encoded as usual after one was refused', () => {
      refusesToEncode(encoding, ['text', 1, undefined], /type undefined/);
      assert.deepEqual(roundTrip(encoding, ['text', 1]), ['text', 1]);
    });

    it('are encoded as usual after a large one', () => {
      const large = new Uint8Array(500_000).fill(1);
      assert.deepEqual(roundTrip(encoding, large), large);
      assert.deepEqual(roundTrip(encoding, ['small']), ['small']);
    });
  });
}

describe('what the encoders write', () => {
  it('is the shortest opcode of pickle protocol 3', () => {
    assert.equal(payloadHex('Z', [1, false, 'get_info', []]), '8003284b018958080000006765745f696e666f29742e');
    assert.equal(payloadHex('Z', [255, 256, -1]), '80034bff4d00014affffffff872e');
    assert.equal(payloadHex('Z', 140190778547408), '80038a06d05c8eb5807f2e');
    assert.equal(payloadHex('Z', -129n), '80038a027fff2e');
    assert.equal(payloadHex('Z', fromHex('00ff')), '8003430200ff2e');
  });

  it('keeps the sign of zero', () => {
    assert.strictEqual(roundTrip('Z', -0), -0);
    assert.strictEqual(roundTrip('M', -0), -0);
  });

  it('is what ZEO writes in msgpack', () => {
    assert.equal(payloadHex('M', [2, false, 'get_info', []]), '9402c2a86765745f696e666f90');
    assert.equal(payloadHex('M', fromHex('00ff')), 'c40200ff');
    assert.equal(payloadHex('M', new Map([['a', 1]])), '81a16101');
    assert.equal(payloadHex('M', new Map([[fromHex('00'), 1]])), '81c4010001');
    assert.equal(payloadHex('M', new Map([[1, null]])), '8101c0');
    assert.equal(payloadHex('M', [127, 128, 256, 65_536, 2 ** 32 - 1]), '957fcc80cd0100ce00010000ceffffffff');
    assert.equal(
      payloadHex('M', [-32, -33, -129, -32_769, -(2 ** 31)]),
      '95e0d0dfd1ff7fd2ffff7fffd280000000',
    );
    assert.equal(payloadHex('M', Array(16).fill(null)), `dc0010${'c0'.repeat(16)}`);
    assert.equal(payloadHex('M', 140190778547408), 'cf00007f80b58e5cd0');
    assert.equal(payloadHex('M', -140190778547408), 'd3ffff807f4a71a330');
    assert.equal(payloadHex('M', 2n ** 64n - 1n), 'cfffffffffffffffff');
    assert.equal(payloadHex('M', -(2n ** 63n)), 'd38000000000000000');
  });

  it('is limited to 64-bit integers in msgpack and 1024 bytes in pickle', () => {
    refusesToEncode('M', 2n ** 64n, /more than 64 bits/);
    refusesToEncode('M', -(2n ** 63n) - 1n, /more than 64 bits/);
    refusesToEncode('Z', 2n ** 9000n, /an integer of 1126 bytes/);
  });
});
