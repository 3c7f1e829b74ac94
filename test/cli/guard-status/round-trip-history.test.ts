import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RoundTripHistory } from '#src/cli/guard-status/round-trip-history.js';

const minute = 60_000;

describe('RoundTripHistory', () => {
  it('has the mean and the longest round trip of each step', () => {
    let nowMs = 0;
    const history = new RoundTripHistory(10_000, () => nowMs);
    for (const ms of [1, 3]) history.record(ms);
    nowMs += 20_000;
    history.record(5);
    const { stepMs, meanMs, longestMs } = history.steps();
    assert.deepEqual([stepMs, meanMs.length], [10_000, 90]);
    assert.deepEqual(
      [meanMs.slice(-3), longestMs.slice(-3)],
      [
        [2, null, 5],
        [3, null, 5],
      ],
    );
  });

  it('forgets what is older than a quarter of an hour', () => {
    let nowMs = 0;
    const history = new RoundTripHistory(10_000, () => nowMs);
    history.record(7);
    nowMs = 15 * minute - 1;
    assert.equal(history.steps().meanMs[0], 7);
    nowMs = 15 * minute;
    assert.ok(history.steps().meanMs.every((ms) => ms === null));
    history.record(1);
    nowMs += 100 * minute;
    assert.ok(history.steps().longestMs.every((ms) => ms === null));
  });

  it('has steps as long as a period, of which one is the most', () => {
    assert.equal(new RoundTripHistory(30_000).steps().meanMs.length, 30);
    assert.equal(new RoundTripHistory(3_600_000).steps().meanMs.length, 1);
  });
});
