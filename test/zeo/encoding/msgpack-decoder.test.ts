import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeMsgpack } from '#src/zeo/encoding/msgpack-decoder.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { bytes } from '../protocol/byte-builder.js';
import { expectFault } from '../protocol/expect-fault.js';

function refuses(message: Uint8Array, reason: RegExp): void {
  expectFault(() => decodeMsgpack(message), 'ERR_ZEO_PROTOCOL', reason);
}

const u32max = [0xff, 0xff, 0xff, 0xff] as const;

describe('decodeMsgpack', () => {
  it('gives maps as objects without a prototype', () => {
    const value = decodeMsgpack(bytes(0x91, 0x81, 0xa1, 'a', 0x80)) as [{ a: object }];
    assert.equal(Object.getPrototypeOf(value[0]), null);
    assert.equal(Object.getPrototypeOf(value[0].a), null);
  });

  it('gives 64-bit integers as numbers where that is exact, else as bigints', () => {
    const value = decodeMsgpack(
      bytes(
        0x93,
        0xcf,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        5,
        0xcf,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xd3,
        0x80,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
      ),
    );
    assert.deepEqual(value, [5, 2n ** 64n - 1n, -(2n ** 63n)]);
    assert.equal(decodeMsgpack(bytes(0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 0)), -(2n ** 53n));
    assert.equal(decodeMsgpack(bytes(0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 1)), -(2 ** 53) + 1);
  });

  it('gives bytes as views of the message', () => {
    const message = bytes(0x91, 0xc4, 2, 'ab');
    assert.equal((decodeMsgpack(message) as [Uint8Array])[0].buffer, message.buffer);
  });

  it('gives a map with a key other than text as a Map', () => {
    const value = decodeMsgpack(bytes(0x84, 0xa1, 'a', 1, 0xc4, 1, 'b', 2, 3, 4, 0x91, 5, 6));
    const entries: [Value, Value][] = [
      ['a', 1],
      [bytes('b'), 2],
      [3, 4],
      [[5], 6],
    ];
    assert.deepEqual(value, new Map(entries));
  });

  it('reads __proto__ as a key like any other', () => {
    const value = decodeMsgpack(bytes(0x81, 0xa9, '__proto__', 0x81, 0xa1, 'a', 1)) as object;
    assert.deepEqual(Object.keys(value), ['__proto__']);
    assert.equal(Object.getPrototypeOf(value), null);
  });

  const malformed: [string, Uint8Array, RegExp][] = [
    ['nothing', bytes(), /middle of a value/],
    ['a message that goes on', bytes(0xc0, 0xc0), /followed by 1 bytes/],
    ['an array of 2^32 - 1', bytes(0xdd, ...u32max), /too many values/],
    ['an array longer than the message', bytes(0xdd, 0, 1, 0, 0, 0xc0), /middle of a value/],
    [
      'arrays that owe more than there is',
      bytes(0xdc, 0, 9, 0xdc, 0, 9, 0xdc, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9),
      /middle of a value/,
    ],
    ['a map of 2^32 - 1', bytes(0xdf, ...u32max), /too many values/],
    ['text of 4 GiB', bytes(0xdb, ...u32max, 'a'), /middle of a value/],
    ['bytes of 4 GiB', bytes(0xc6, ...u32max, 'a'), /middle of a value/],
    ['a timestamp', bytes(0xd6, 0xff, 0, 0, 0, 0), /type 0xd6/],
    ['an extension', bytes(0xc7, 1, 5, 0), /type 0xc7/],
    ['the type that is never used', bytes(0xc1), /type 0xc1/],
    ['a key that is a map', bytes(0x81, 0x80, 1), /map in a key/],
    ['a key that holds a map', bytes(0x81, 0x91, 0x81, 1, 2, 1), /map in a key/],
    ['a map longer than the message', bytes(0xde, 1, 0, 0xc0), /middle of a value/],
    ['text that is no UTF-8', bytes(0xa2, 0xc3, 0x28), /not valid UTF-8/],
    ['text with a surrogate', bytes(0xa3, 0xed, 0xa0, 0x80), /not valid UTF-8/],
    ['long text that is no UTF-8', bytes(0xda, 1, 0, 'a'.repeat(255), 0xff), /not valid UTF-8/],
    ['101 levels', bytes(...Array(101).fill(0x91), 1), /deeper than 100/],
    ['a million levels', bytes(''.padEnd(1_000_000, '\x91'), 1), /deeper than 100/],
  ];
  for (const [name, message, reason] of malformed) {
    it(`refuses ${name}`, () => refuses(message, reason));
  }

  const listOf = (item: Uint8Array, count: number) => {
    const head = Buffer.from([0xdd, 0, 0, 0, 0]);
    head.writeUInt32BE(count, 1);
    return Buffer.concat([head, Buffer.alloc(item.length * count, item)]);
  };

  it('reads a list of a million ids', () => {
    const ids = decodeMsgpack(listOf(bytes(0xc4, 8, '\0\0\0\0\0\0\0\x07'), 1_000_000)) as Value[];
    assert.equal(ids.length, 1_000_000);
  });

  it('counts bytes more than once, as they take more memory than they send', () => {
    refuses(listOf(bytes(0xc4, 0), 1_100_000), /too many values/);
  });

  it('accepts 100 levels, also at the end of their containers', () => {
    assert.ok(decodeMsgpack(bytes(...Array(100).fill(0x91), 1)));
    assert.ok(decodeMsgpack(bytes(0xdc, 0, 200, ...Array(200).fill(0x90))));
    assert.ok(decodeMsgpack(bytes(0xdc, 0, 200, ...Array(200).fill([0x92, 0x91, 1, 2]).flat())));
  });
});
