import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseZeoUri } from '#src/zeo/storage/uri.js';

describe('parseZeoUri', () => {
  const accepted: [uri: string, options: object][] = [
    ['zeo://localhost', { address: { host: 'localhost', port: 9991 } }],
    ['zeo://localhost:8100/', { address: { host: 'localhost', port: 8100 } }],
    ['zeo://:8100', { address: { host: '127.0.0.1', port: 8100 } }],
    ['zeo://[::1]:8100', { address: { host: '::1', port: 8100 } }],
    ['zeo:///run//zeo.sock', { address: { path: '/run/zeo.sock' } }],
    ['zeo:///run/a%20b?storage=x#f', { address: { path: '/run/a%20b' }, storage: 'x' }],
    [
      'zeo://h?name=a+b%21&client_label=l',
      { address: { host: 'h', port: 9991 }, name: 'a b!', clientLabel: 'l' },
    ],
    ['zeo://h?wait=Off&wait_timeout=5', { address: { host: 'h', port: 9991 }, wait: false, waitTimeout: 5 }],
    ['zeo://h?read_only=T&read_only=no', { address: { host: 'h', port: 9991 }, readOnly: false }],
    ['zeo://h?read_only_fallback=1', { address: { host: 'h', port: 9991 }, readOnlyFallback: true }],
    ['zeo://h?storage=&wait=', { address: { host: 'h', port: 9991 } }],
    ['zeo://h?blob_dir=/b&database_name=main', { address: { host: 'h', port: 9991 } }],
    ['zeo://h?cache_size=20MB', { address: { host: 'h', port: 9991 }, cacheSize: 20 * 1024 * 1024 }],
    ['zeo://h?cache_size=1000', { address: { host: 'h', port: 9991 }, cacheSize: 1000 }],
  ];
  for (const [uri, options] of accepted) {
    it(`accepts ${uri}`, () => assert.deepEqual(parseZeoUri(uri), options));
  }

  it('treats a wait_timeout of 0 as the default, as ZEO does', () => {
    assert.equal(parseZeoUri('zeo://h?wait_timeout=0').waitTimeout, undefined);
  });

  it('rejects an unknown key, and names it', () => {
    const error = {
      code: 'ERR_ZEO_INVALID_ARGUMENT',
      message: /Unknown key .*: expected one of storage, .*; received "wait_timeot"$/,
    };
    assert.throws(() => parseZeoUri('zeo://h?wait_timeot=3'), error);
    assert.throws(() => parseZeoUri('zeo://h?toString=3'), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
  });

  it('names a key whose value is neither a number nor a boolean', () => {
    const error = {
      code: 'ERR_ZEO_INVALID_ARGUMENT',
      message: /wait_timeout of .*: expected a number or a boolean; received "soon"$/,
    };
    assert.throws(() => parseZeoUri('zeo://h?wait_timeout=soon'), error);
  });

  it('rejects demostorage, which would keep writes from the server', () => {
    assert.throws(() => parseZeoUri('zeo://h?demostorage=1'), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
  });

  for (const uri of [
    '',
    'zeo:',
    'zeo://',
    'http://h',
    'ZEO://h',
    'zeo://h:0',
    'zeo://h:x',
    'zeo://tmp/zeo.sock',
    'zeo://a b',
  ]) {
    it(`rejects ${JSON.stringify(uri)}`, () => {
      assert.throws(() => parseZeoUri(uri), { code: 'ERR_ZEO_INVALID_ADDRESS' });
    });
  }

  it('rejects credentials without showing them', () => {
    assert.throws(
      () => parseZeoUri('zeo://bob:secret@h:1?password=secret'),
      (error: Error) => error.message.includes('zeo://***@h:1') && !/bob|secret/.test(error.message),
    );
  });
});
