import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RoundTrips } from '#src/agent/ping/round-trips.js';

describe('The round trips of a target', () => {
  it('are summarized as the last, the median, the 99th percentile, and all', () => {
    const roundTrips = new RoundTrips();
    assert.equal(roundTrips.snapshot(3)?.summaryOf(3), undefined);
    for (const ms of [4, 1.2, 3, 2]) roundTrips.record(3, ms);
    assert.deepEqual(roundTrips.snapshot(3)?.summaryOf(3), {
      lastMs: 2,
      p50Ms: 2,
      p99Ms: 4,
      recentMs: [4, 1.2, 3, 2],
    });
  });

  it('are kept for the last 64 pings that were answered', () => {
    const roundTrips = new RoundTrips();
    for (let ms = 1; ms <= 150; ms++) roundTrips.record(0, ms);
    const { recentMs, lastMs, p50Ms, p99Ms } = roundTrips.snapshot(0)?.summaryOf(0) ?? assert.fail();
    assert.deepEqual(
      recentMs,
      Array.from({ length: 64 }, (_, i) => 87 + i),
    );
    assert.deepEqual([lastMs, p50Ms, p99Ms], [150, 118, 150]);
  });

  it('have the percentiles of any samples in any order', () => {
    const roundTrips = new RoundTrips();
    const samples: number[] = [];
    for (let id = 0; id < 20; id++) {
      for (let i = 0; i < 7 * id + 1; i++) {
        // Whole numbers, some of them equal, are exact in 32 bits.
        samples.push((samples.length * 7919) % 101);
        roundTrips.record(id, samples.at(-1) as number);
      }
      const kept = samples.splice(0).slice(-64);
      const sorted = kept.toSorted((one, other) => one - other);
      const rank = (fraction: number) => sorted[Math.ceil(fraction * sorted.length) - 1];
      assert.deepEqual(roundTrips.snapshot(id)?.summaryOf(id), {
        lastMs: kept.at(-1),
        p50Ms: rank(0.5),
        p99Ms: rank(0.99),
        recentMs: kept,
      });
    }
  });

  it('are summarized as they were when the snapshot was made', () => {
    const roundTrips = new RoundTrips();
    for (let ms = 1; ms <= 64; ms++) roundTrips.record(5, ms);
    const snapshot = roundTrips.snapshot(5);
    roundTrips.record(5, 1000);
    roundTrips.clear(5);
    roundTrips.record(5, 2000);
    const early = snapshot?.summaryOf(5);
    assert.deepEqual([early?.recentMs[0], early?.lastMs, early?.p99Ms], [1, 64, 64]);
    assert.deepEqual(roundTrips.snapshot(5)?.summaryOf(5)?.recentMs, [2000]);
  });

  it('are summarized also if their target was closed since the snapshot', () => {
    const roundTrips = new RoundTrips();
    roundTrips.record(5, 3);
    const snapshot = roundTrips.snapshot(5);
    roundTrips.clear(5);
    assert.equal(snapshot?.summaryOf(5)?.lastMs, 3);
    assert.equal(roundTrips.snapshot(5)?.summaryOf(5), undefined);
  });

  it('are not mixed with those of other targets or of a former one', () => {
    const roundTrips = new RoundTrips();
    for (let id = 0; id < 100; id++) roundTrips.record(id, id);
    for (let id = 0; id < 100; id++) assert.equal(roundTrips.snapshot(id)?.summaryOf(id)?.lastMs, id);
    roundTrips.clear(40);
    assert.equal(roundTrips.snapshot(40)?.summaryOf(40), undefined);
    assert.equal(roundTrips.snapshot(41)?.summaryOf(41)?.lastMs, 41);
  });
});
