import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Figure, formatValue, isMet, ratioOf } from '../figure.js';

const figure: Figure = {
  subject: 'agent',
  of: '100 storages',
  value: 30,
  unit: 'µs',
  baseline: { subject: 'bare sockets', value: 20 },
};

describe('a figure', () => {
  it('is shown with the ratio to its baseline', () => {
    assert.equal(ratioOf(figure), 1.5);
    const { baseline: _, ...alone } = figure;
    assert.equal(ratioOf(alone), undefined);
  });

  it('reaches a target on its ratio, its difference or its value', () => {
    assert.equal(isMet(figure), undefined);
    assert.equal(isMet({ ...figure, target: { on: 'ratio', atMost: 1.5 } }), true);
    assert.equal(isMet({ ...figure, target: { on: 'ratio', atMost: 1.4 } }), false);
    assert.equal(isMet({ ...figure, target: { on: 'difference', atMost: 10 } }), true);
    assert.equal(isMet({ ...figure, target: { on: 'difference', atMost: 9 } }), false);
    assert.equal(isMet({ ...figure, target: { on: 'value', atMost: 29 } }), false);
  });

  it('misses its target if it has no value at all', () => {
    const target = { on: 'value', atMost: 1000 } as const;
    assert.equal(isMet({ ...figure, value: Infinity, target }), false);
    assert.equal(isMet({ ...figure, value: Number.NaN, target }), false);
  });

  it('is written with three significant digits', () => {
    assert.deepEqual([0.123_45, 12.345, 1234.5, Infinity].map(formatValue), [
      '0.12',
      '12.3',
      '1,230',
      'never',
    ]);
  });
});
