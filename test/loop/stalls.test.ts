import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Stalls } from '#src/loop/stalls.js';

describe('Stalls', () => {
  it('count time that two of them lost only once', () => {
    const stalls = new Stalls();
    assert.equal(stalls.ended('process', { fromMs: 500, toMs: 1200 }), 700);
    assert.equal(stalls.ended('loop', { fromMs: 0, toMs: 10_000 }), 9300);
    assert.equal(stalls.lostWithin(0, 20_000), 10_000);
    assert.equal(stalls.lostWithin(400, 600), 200);
  });

  it('are pending together until a turn, as the kind of the longest of them', () => {
    const stalls = new Stalls();
    stalls.ended('process', { fromMs: 0, toMs: 6000 });
    stalls.ended('process', { fromMs: 6100, toMs: 7300 });
    stalls.ended('loop', { fromMs: 7300, toMs: 7500 });
    assert.ok(stalls.isPending);
    assert.deepEqual(
      { ...stalls.resume() },
      {
        sinceMs: 0,
        lostMs: 7400,
        of: 'process',
        isSuspension: false,
        longestMs: 6000,
      },
    );
    assert.equal(stalls.resume(), undefined);
  });

  it('count a suspension that no clock of the process has seen', () => {
    const stalls = new Stalls();
    assert.equal(stalls.ended('process', { fromMs: 10, toMs: 10 }, 3_600_000), 3_600_000);
    stalls.ended('process', { fromMs: 10, toMs: 300 });
    assert.deepEqual(
      { ...stalls.resume() },
      { sinceMs: 10, lostMs: 3_600_290, of: 'process', isSuspension: true, longestMs: 3_600_000 },
    );
    assert.equal(stalls.lostWithin(0, 10), 0);
  });

  it('lose the union of their spans, however those overlap', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(100)), { maxLength: 12 }), (steps) => {
        const stalls = new Stalls();
        const lost = new Set<number>();
        let nowMs = 0;
        for (const [passedMs, backMs] of steps) {
          nowMs += passedMs;
          const fromMs = Math.max(0, nowMs - backMs);
          stalls.ended('loop', { fromMs, toMs: nowMs });
          for (let ms = fromMs; ms < nowMs; ms++) lost.add(ms);
        }
        assert.equal(stalls.lostWithin(0, nowMs), lost.size);
        stalls.forgetBefore(nowMs);
        assert.equal(stalls.lostWithin(0, nowMs), 0);
      }),
    );
  });
});
