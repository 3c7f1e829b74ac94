import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addressWords,
  formatEndpoint,
  formatIpAddress,
  isLoopback,
  isMappedIPv4,
  sharePrefix,
} from '#src/tcp/ip-address.js';

describe('An IP address in words', () => {
  it('is the same for an IPv4 address and its IPv4-mapped form', () => {
    assert.deepEqual(addressWords('::ffff:10.0.0.5'), addressWords('10.0.0.5'));
    assert.deepEqual(addressWords('::FFFF:a00:5'), addressWords('10.0.0.5'));
    assert.equal(formatIpAddress(addressWords('::ffff:10.0.0.5')), '10.0.0.5');
  });

  it('has its highest word first', () => {
    assert.deepEqual([...addressWords('2001:db8::1:2')], [0x20010db8, 0, 0, 0x10002]);
    assert.deepEqual([...addressWords('192.0.2.1')], [0, 0, 0xffff, 0xc0000201]);
  });

  it('comes back from text in the usual spelling', () => {
    for (const [text, expected] of [
      ['10.0.0.5', '10.0.0.5'],
      ['::', '::'],
      ['::1', '::1'],
      ['FD00:0:0:0:0:0:0:1', 'fd00::1'],
      ['fe80::1%eth0', 'fe80::1'],
      ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
      ['64:ff9b::10.0.0.5', '64:ff9b::a00:5'],
    ] as const)
      assert.equal(formatIpAddress(addressWords(text)), expected);
  });

  it('is the same after it was formatted and read again', () => {
    const words = fc.uint32Array({ minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(words, (address) => assert.deepEqual(addressWords(formatIpAddress(address)), address)),
    );
    const ipv4 = fc.ipV4();
    fc.assert(fc.property(ipv4, (text) => assert.equal(formatIpAddress(addressWords(text)), text)));
    fc.assert(fc.property(fc.ipV6(), (text) => assert.equal(addressWords(text).length, 4)));
  });

  it('is loopback for 127.0.0.0/8 and ::1 only', () => {
    for (const text of ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(addressWords(text)), text);
    for (const text of ['128.0.0.1', '0.0.0.0', '::', '::2', 'fe80::1', '::127.0.0.1'])
      assert.ok(!isLoopback(addressWords(text)), text);
    assert.ok(!isMappedIPv4(addressWords('::127.0.0.1')));
  });

  it('shares its first bits with those that Node has in the same subnet', () => {
    const bit = fc.integer({ min: 0, max: 127 });
    fc.assert(
      fc.property(fc.ipV6(), bit, fc.integer({ min: 0, max: 128 }), (text, flipped, bits) => {
        const words = addressWords(text);
        const other = Uint32Array.from(words);
        other[flipped >>> 5] = (other[flipped >>> 5] as number) ^ (1 << (31 - (flipped & 31)));
        const subnet = new BlockList();
        subnet.addSubnet(unmapped(words), bits, 'ipv6');
        assert.equal(sharePrefix(words, other, bits), subnet.check(unmapped(other), 'ipv6'));
        assert.ok(sharePrefix(words, words, bits));
      }),
    );
  });

  it('is in brackets before a port when it is IPv6', () => {
    assert.equal(formatEndpoint('10.0.0.5', 5432), '10.0.0.5:5432');
    assert.equal(formatEndpoint('fd00::1', 6379), '[fd00::1]:6379');
    assert.equal(formatEndpoint('db.example.org', 5432), 'db.example.org:5432');
  });
});

/** All eight groups, also of an IPv4-mapped address. */
function unmapped(words: Uint32Array): string {
  return Array.from(words)
    .flatMap((word) => [word >>> 16, word & 0xffff])
    .map((group) => group.toString(16))
    .join(':');
}
