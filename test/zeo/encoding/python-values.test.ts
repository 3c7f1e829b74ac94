import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isEqual, isTruthy } from '#src/zeo/encoding/python-values.js';
import type { Value } from '#src/zeo/encoding/values.js';

const dict = (entries: object): Value => Object.assign(Object.create(null), entries);
const bytes = (text: string) => Uint8Array.from(Buffer.from(text));

describe('Values as Python sees them', () => {
  const equal: [Value, Value][] = [
    [1, true],
    [0, false],
    [2 ** 60, 2n ** 60n],
    [bytes('a'), bytes('a')],
    [
      [1, [bytes('a')]],
      [true, [bytes('a')]],
    ],
    [dict({ a: 1, b: [2] }), dict({ b: [2], a: 1 })],
    [dict({ a: null }), new Map<Value, Value>([['a', null]])],
    [new Map<Value, Value>([[[bytes('a'), 1], 2]]), new Map<Value, Value>([[[bytes('a'), true], 2]])],
  ];
  const different: [Value, Value][] = [
    ['a', bytes('a')],
    ['1', 1],
    [null, false],
    [Number.NaN, Number.NaN],
    [[1], [1, 2]],
    [dict({ a: 1 }), dict({ b: 1 })],
    [dict({ a: 1 }), dict({ a: 1, b: 2 })],
    [dict({ 1: 2 }), new Map<Value, Value>([[1, 2]])],
    [new Map<Value, Value>([[bytes('a'), 1]]), dict({ a: 1 })],
    [dict({}), []],
  ];

  it('are equal across types only as in Python', () => {
    for (const [a, b] of equal) assert.equal(isEqual(a, b), true);
    for (const [a, b] of different) assert.equal(isEqual(a, b), false);
  });

  it('are false when they are None, zero or empty', () => {
    for (const value of [null, false, 0, -0, 0n, '', bytes(''), [], dict({}), new Map()]) {
      assert.equal(isTruthy(value), false);
    }
    for (const value of [true, 1, -1n, Number.NaN, ' ', bytes('\0'), [null], dict({ a: null })]) {
      assert.equal(isTruthy(value), true);
    }
  });
});
