import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { interleave, median, quantile, summary } from '../harness/repetitions.js';

describe('repetitions', () => {
  it('alternate, and each round begins with a different variant', async () => {
    const order: string[] = [];
    const variants = ['a', 'b', 'c'].map((name) => ({
      name,
      measure: async () => order.push(name),
    }));
    const results = await interleave(variants, 3, () => {});
    assert.equal(order.join(''), 'abcbcacab');
    assert.deepEqual(results.get('a'), [1, 6, 8]);
  });

  it('have an interpolated median and measured percentiles', () => {
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([5, 1, 3]), 3);
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    assert.equal(quantile(hundred, 0.99), 99);
    assert.equal(quantile(hundred, 1), 100);
    assert.deepEqual(summary([3, 1, 2]), { value: 2, range: [1, 3] });
  });

  it('count an event that never came as the longest', () => {
    assert.equal(quantile([1, Infinity, 2], 1), Infinity);
    assert.equal(median([1, Infinity, Infinity]), Infinity);
    assert.equal(median([1, 2, Infinity, Infinity]), Infinity);
  });
});
