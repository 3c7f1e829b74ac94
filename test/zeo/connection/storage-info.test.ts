import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readStorageInfo, readStorageInfoChange } from '#src/zeo/connection/storage-info.js';
import type { Value } from '#src/zeo/encoding/values.js';

function dict(entries: { [key: string]: Value } = {}): Value {
  return Object.assign(Object.create(null), entries);
}

describe('readStorageInfo', () => {
  it('fills in defaults for missing keys', () => {
    assert.deepEqual(readStorageInfo(dict({ length: null, size: 2n ** 60n, interfaces: null })), {
      name: 'ZEO Client',
      length: 0,
      size: 2 ** 60,
      supportsUndo: false,
      supportsRecordIternext: false,
      interfaces: [],
    });
  });

  it('does not cache long lists of interfaces, nor confuse two lists', () => {
    const read = (...names: string[]) => readStorageInfo(dict({ interfaces: names })).interfaces;
    assert.equal(read('x'.repeat(4096)), read('x'.repeat(4096)));
    assert.notEqual(read('x'.repeat(4097)), read('x'.repeat(4097)));
    assert.deepEqual(read('a', 'b'), ['a', 'b']);
    assert.deepEqual(read('a,b'), ['a,b']);
  });

  it('shares equal lists of interfaces, and caches only a few', () => {
    const read = (name: string) => readStorageInfo(dict({ interfaces: [['many', name]] })).interfaces;
    const first = read('same');
    assert.equal(read('same'), first);
    for (let n = 0; n < 1000; n++) read(`I${n}`);
    assert.notEqual(read('I999'), read('I999'));
    assert.equal(read('same'), first);
  });

  it('accepts interfaces as pairs or as dotted names', () => {
    const { interfaces } = readStorageInfo(dict({ interfaces: [['zope', 'I'], 'a.J'] }));
    assert.deepEqual(interfaces, ['zope.I', 'a.J']);
  });

  for (const wrong of [
    null,
    [],
    new Map(),
    dict({ length: dict() }),
    dict({ size: '12' }),
    dict({ interfaces: 'x' }),
    dict({ interfaces: [dict()] }),
    dict({ interfaces: [[dict()]] }),
  ]) {
    it(`rejects ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => readStorageInfo(wrong), { code: 'ERR_ZEO_PROTOCOL' });
    });
  }
});

describe('readStorageInfoChange', () => {
  it('returns the given keys, and of these only those of get_info', () => {
    const change = dict({ length: 5, length2: 6, __proto__: 7, toString: 8, supports_record_iternext: 1 });
    assert.deepEqual(readStorageInfoChange('info', change), { length: 5, supportsRecordIternext: true });
  });
});
