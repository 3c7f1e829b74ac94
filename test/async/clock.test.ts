import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clockOffsetMs, systemClock } from '#src/async/clock.js';

describe('The clock that all threads share', () => {
  it('is set right even if the thread loses the processor meanwhile', () => {
    for (const pausedReading of [0, 1, 2, 3, 4, 5]) {
      let nowMs = 1000;
      let reading = 0;
      const read = () => {
        // 100 ms pass before this reading, a microsecond before any other.
        nowMs += reading++ === pausedReading ? 100 : 0.001;
        return nowMs;
      };
      const offsetMs = clockOffsetMs(
        () => read() + 5000,
        () => read(),
      );
      assert.ok(Math.abs(offsetMs - 5000) < 0.1, `${offsetMs}`);
    }
  });

  it('takes the best reading if none of them is good', () => {
    let nowMs = 0;
    const read = () => {
      nowMs += 1 + Math.random();
      return nowMs;
    };
    const offsetMs = clockOffsetMs(() => read() + 5000, read);
    assert.ok(Math.abs(offsetMs - 5000) < 1, `${offsetMs}`);
  });

  it('agrees with the system’s own monotonic clock', () => {
    const beforeMs = Number(process.hrtime.bigint()) / 1e6;
    const nowMs = systemClock.now();
    const afterMs = Number(process.hrtime.bigint()) / 1e6;
    assert.ok(nowMs >= beforeMs - 0.1 && nowMs <= afterMs + 0.1);
  });
});
