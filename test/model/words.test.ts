import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  configBooleans,
  environmentBooleans,
  readBoolean,
  readByteSize,
  uriBooleans,
} from '#src/model/words.js';

describe('Words for true and false', () => {
  const readers = [
    ['ZConfig', configBooleans, ['yes', 'true', 'on'], ['no', 'false', 'off']],
    ['the environment', environmentBooleans, ['yes', 'true', 'on', '1'], ['no', 'false', 'off', '0']],
    ['a zeo:// URI', uriBooleans, ['yes', 'true', 'on', '1', 't'], ['no', 'false', 'off', '0', 'f']],
  ] as const;
  for (const [reader, words, yes, no] of readers) {
    it(`are for ${reader} exactly those that its original accepts`, () => {
      assert.deepEqual(new Set(words.keys()), new Set([...yes, ...no]));
      for (const word of yes) assert.equal(readBoolean(words, word.toUpperCase()), true);
      for (const word of no) assert.equal(readBoolean(words, word), false);
    });
  }
});

describe('A size in bytes', () => {
  it('may have a unit, which is a power of 1024', () => {
    const sizes = ['7', '7kb', '7MB', '7Gb'].map((text) => readByteSize(text, Number));
    assert.deepEqual(sizes, [7, 7 * 1024, 7 * 1024 ** 2, 7 * 1024 ** 3]);
  });

  it('is undefined if what precedes the unit is not a number', () => {
    const read = (digits: string) => (/^\d+$/.test(digits) ? Number(digits) : undefined);
    for (const text of ['', 'kb', '7tb', '7k', '7b', '-7kb'])
      assert.equal(readByteSize(text, read), undefined);
  });
});
