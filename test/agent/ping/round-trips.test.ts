import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RoundTrips } from '#src/agent/ping/round-trips.js';

describe('The round trips of a target', () => {
  it('are summarized as the last, the median, the 99th percentile, and all', () => {
    const roundTrips = new RoundTrips();
    assert.equal(roundTrips.summary(3), undefined);
    for (const ms of [4, 1.2, 3, 2]) roundTrips.record(3, ms);
    assert.deepEqual(roundTrips.summary(3), {
      lastMs: 2,
      p50Ms: 2,
      p99Ms: 4,
      recentMs: [4, 1.2, 3, 2],
    });
  });

  it('are kept for the last 64 pings that were answered', () => {
    const roundTrips = new RoundTrips();
    for (let ms = 1; ms <= 150; ms++) roundTrips.record(0, ms);
    const { recentMs, lastMs, p50Ms, p99Ms } = roundTrips.summary(0) ?? assert.fail();
    assert.deepEqual(
      recentMs,
      Array.from({ length: 64 }, (_, i) => 87 + i),
    );
    assert.deepEqual([lastMs, p50Ms, p99Ms], [150, 118, 150]);
  });

  it('are not mixed with those of other targets or of a former one', () => {
    const roundTrips = new RoundTrips();
    for (let id = 0; id < 100; id++) roundTrips.record(id, id);
    for (let id = 0; id < 100; id++) assert.equal(roundTrips.summary(id)?.lastMs, id);
    roundTrips.clear(40);
    assert.equal(roundTrips.summary(40), undefined);
    assert.equal(roundTrips.summary(41)?.lastMs, 41);
  });
});
