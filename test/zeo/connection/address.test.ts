import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAddress, parseAddress, parseAddresses } from '#src/zeo/connection/address.js';

describe('parseAddress', () => {
  const accepted: [written: unknown, meant: object][] = [
    ['localhost:8100', { host: 'localhost', port: 8100 }],
    ['db_1.example.org:8100', { host: 'db_1.example.org', port: 8100 }],
    ['10.0.0.7:1', { host: '10.0.0.7', port: 1 }],
    ['[::1]:8100', { host: '::1', port: 8100 }],
    [':8100', { host: '127.0.0.1', port: 8100 }],
    ['8100', { host: '127.0.0.1', port: 8100 }],
    [8100, { host: '127.0.0.1', port: 8100 }],
    ['/run/zeo.sock', { path: '/run/zeo.sock' }],
    ['/run/odd:name.sock', { path: '/run/odd:name.sock' }],
    ['./zeo.sock', { path: './zeo.sock' }],
    ['../zeo.sock', { path: '../zeo.sock' }],
    ['var/zeo.sock', { path: 'var/zeo.sock' }],
    [
      { host: '::1', port: 8100 },
      { host: '::1', port: 8100 },
    ],
    [{ port: 8100 }, { host: '127.0.0.1', port: 8100 }],
    [{ path: 'zeo.sock' }, { path: 'zeo.sock' }],
  ];
  for (const [written, meant] of accepted) {
    it(`accepts ${JSON.stringify(written)}`, () => {
      assert.deepEqual(parseAddress(written), meant);
    });
  }

  const rejected: unknown[] = [
    ...[
      '',
      'localhost',
      'localhost:',
      'localhost:0',
      'localhost:65536',
      'localhost:0x50',
      'localhost:80 ',
      '::1:8100',
    ],
    ...[
      '[::1]',
      '[nonsense]:1',
      'two words:1',
      '-dash:1',
      '1.2.3.999:80',
      'http://localhost:8100',
      'a:1:2',
      `/${'x'.repeat(107)}`,
    ],
    ...[0, -1, 1.5, Number.NaN, 65_536, null, undefined, true, [], {}, { port: '80' }, { host: 1, port: 1 }],
    ...[{ path: '' }, { path: '/a\0b' }, { path: '/a', port: 1 }, { port: 1, tls: true }],
  ];
  for (const written of rejected) {
    it(`rejects ${(JSON.stringify(written) ?? String(written)).slice(0, 50)}`, () => {
      assert.throws(() => parseAddress(written), { code: 'ERR_ZEO_INVALID_ADDRESS' });
    });
  }

  it('shows the rejected string in the error', () => {
    assert.throws(() => parseAddress('localhost'), { message: /"localhost": it has no port/ });
  });

  it('shows which property of an object is wrong', () => {
    const wrong: [written: object, message: RegExp][] = [
      [{ host: 'h', port: 70_000 }, /address 70000: the port/],
      [{ host: 'h' }, /address { host: string }: the port/],
      [{ host: '-h', port: 1 }, /address "-h": the host/],
      [{ host: 'h', port: 1, tls: true }, /{ host: string, port: number, tls: boolean }: .* property "tls"/],
    ];
    for (const [written, message] of wrong) assert.throws(() => parseAddress(written), { message });
  });
});

describe('parseAddresses', () => {
  it('accepts one address or a list, and removes repeated ones', () => {
    assert.deepEqual(parseAddresses(':1'), [{ host: '127.0.0.1', port: 1 }]);
    assert.deepEqual(parseAddresses([':1', 1, '/run/a']), [
      { host: '127.0.0.1', port: 1 },
      { path: '/run/a' },
    ]);
  });

  it('rejects an empty list, and one with a malformed address', () => {
    assert.throws(() => parseAddresses([]), { code: 'ERR_ZEO_INVALID_ADDRESS' });
    assert.throws(() => parseAddresses([':1', 'x']), { code: 'ERR_ZEO_INVALID_ADDRESS' });
  });
});

describe('formatAddress', () => {
  it('is the inverse of parseAddress', () => {
    for (const text of ['localhost:8100', '[::1]:8100', '/run/zeo.sock']) {
      assert.equal(formatAddress(parseAddress(text)), text);
    }
  });
});
