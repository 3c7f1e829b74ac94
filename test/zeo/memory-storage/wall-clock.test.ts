import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fineWallClock, systemWallClock } from '#src/zeo/memory-storage/wall-clock.js';
import { MemoryStorage, tidAt } from '#src/zeo/server/index.js';
import { isLater } from '#src/zodb/ids.js';

describe('The clock of a storage', () => {
  /** Two clocks of the same time in ms, one of them in whole milliseconds. */
  const clocks = (startMs: number) => {
    const time = { wallMs: startMs, steadyMs: 0 };
    const pass = (ms: number) => {
      time.wallMs += ms;
      time.steadyMs += ms;
    };
    const now = fineWallClock(
      () => Math.floor(time.wallMs),
      () => time.steadyMs,
    );
    return { time, pass, now };
  };

  it('has fractions of a millisecond once it has seen one begin', () => {
    const { time, pass, now } = clocks(1_000_000.25);
    for (let steps = 0; steps < 100; steps++) {
      pass(0.1);
      now();
    }
    for (let steps = 0; steps < 100; steps++) {
      pass(0.05);
      assert.ok(Math.abs(now() - time.wallMs) <= 0.1, `${now()} at ${time.wallMs}`);
    }
  });

  it('follows the system’s clock when that is set', () => {
    const { time, pass, now } = clocks(1_000_000);
    for (const step of [0.4, 60_000, -3_600_000, 0.3, 5]) {
      time.wallMs += step;
      pass(0.2);
      assert.equal(Math.floor(now()), Math.floor(time.wallMs));
    }
  });

  // ZODB/tests/PackableStorage.py, `testPackUndoLog`: it packs up to a moment less than a millisecond before a commit.
  it('gives a transaction a later id than a moment in the same millisecond', () => {
    const storage = new MemoryStorage();
    for (let commits = 0; commits < 200; commits++) {
      storage.commit([]);
      const before = tidAt(systemWallClock());
      const until = performance.now() + 0.1;
      while (performance.now() < until);
      assert.ok(isLater(storage.commit([]), before));
    }
  });
});
