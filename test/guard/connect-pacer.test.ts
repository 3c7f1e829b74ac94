import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectPacer } from '#src/guard/connect-pacer.js';

describe('ConnectPacer', () => {
  it('spreads a thousand clients over seven seconds, a fifth in none', () => {
    const pacer = new ConnectPacer(() => 1000);
    const delays = Array.from({ length: 1000 }, () => pacer.delayMs());
    const perSecond = new Map<number, number>();
    for (const delayMs of delays) {
      const second = Math.floor(delayMs / 1000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    assert.ok(Math.max(...perSecond.values()) < 200, JSON.stringify([...perSecond]));
    assert.ok(Math.max(...delays) < 7000);
  });

  it('lets a few go at once, and again after a while', () => {
    let nowMs = 0;
    const pacer = new ConnectPacer(() => nowMs);
    const takeAll = () => Array.from({ length: 20 }, () => pacer.delayMs());
    assert.deepEqual(new Set(takeAll()), new Set([0]));
    nowMs += 1000;
    assert.deepEqual(new Set(takeAll()), new Set([0]));
  });
});
