import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressWords } from '#src/tcp/ip-address.js';

describe('The words of an IP address', () => {
  const cases: [address: string, words: number[]][] = [
    ['192.0.2.255', [0, 0, 0xffff, 0xc00002ff]],
    ['::ffff:192.0.2.255', [0, 0, 0xffff, 0xc00002ff]],
    ['::FFFF:c000:2ff', [0, 0, 0xffff, 0xc00002ff]],
    ['::1', [0, 0, 0, 1]],
    ['::', [0, 0, 0, 0]],
    ['2001:db8::', [0x20010db8, 0, 0, 0]],
    ['2001:db8:1:2:3:4:5:6', [0x20010db8, 0x00010002, 0x00030004, 0x00050006]],
    ['fe80::2:1%eth0', [0xfe800000, 0, 0, 0x00020001]],
    ['64:ff9b::192.0.2.1', [0x0064ff9b, 0, 0, 0xc0000201]],
  ];
  for (const [address, words] of cases) {
    it(`are read from ${address}`, () => assert.deepEqual([...(addressWords(address) ?? [])], words));
  }

  it('are not made of anything else', () => {
    for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', ':::', '2001:db8', '1.2.3.4:80'])
      assert.equal(addressWords(text), undefined);
  });
});
