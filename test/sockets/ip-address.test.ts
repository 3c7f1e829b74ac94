import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addressBytes,
  formatAddress,
  formatEndpoint,
  isLoopback,
  isMappedIPv4,
} from '#src/sockets/ip-address.js';

describe('An IP address in bytes', () => {
  it('is the same for an IPv4 address and its IPv4-mapped form', () => {
    assert.deepEqual(addressBytes('::ffff:10.0.0.5'), addressBytes('10.0.0.5'));
    assert.deepEqual(addressBytes('::FFFF:a00:5'), addressBytes('10.0.0.5'));
    assert.equal(formatAddress(addressBytes('::ffff:10.0.0.5')), '10.0.0.5');
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
      assert.equal(formatAddress(addressBytes(text)), expected);
  });

  it('is the same after it was formatted and read again', () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(bytes, (address) => assert.deepEqual(addressBytes(formatAddress(address)), address)),
    );
    const ipv4 = fc.ipV4();
    fc.assert(fc.property(ipv4, (text) => assert.equal(formatAddress(addressBytes(text)), text)));
    fc.assert(fc.property(fc.ipV6(), (text) => assert.equal(addressBytes(text).length, 16)));
  });

  it('is loopback for 127.0.0.0/8 and ::1 only', () => {
    for (const text of ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(addressBytes(text)), text);
    for (const text of ['128.0.0.1', '0.0.0.0', '::', '::2', 'fe80::1', '::127.0.0.1'])
      assert.ok(!isLoopback(addressBytes(text)), text);
    assert.ok(!isMappedIPv4(addressBytes('::127.0.0.1')));
  });

  it('is in brackets before a port when it is IPv6', () => {
    assert.equal(formatEndpoint('10.0.0.5', 5432), '10.0.0.5:5432');
    assert.equal(formatEndpoint('fd00::1', 6379), '[fd00::1]:6379');
    assert.equal(formatEndpoint('db.example.org', 5432), 'db.example.org:5432');
  });
});
