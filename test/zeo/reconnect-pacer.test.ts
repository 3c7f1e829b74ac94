import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReconnectPacer } from '../../src/zeo/reconnect-pacer.js';

function pacerOf(storages: number) {
  let nowMs = 0;
  const pacer = new ReconnectPacer(() => nowMs);
  for (let i = 0; i < storages; i++) pacer.join();
  return {
    pacer,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** The most of these moments that fall into one second. */
function mostInASecond(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(...sorted.map((from) => sorted.filter((at) => at >= from && at < from + 1000).length));
}

describe('ReconnectPacer', () => {
  it('lets fewer than a hundred storages reconnect as they like', () => {
    const { pacer } = pacerOf(99);
    assert.deepEqual(
      Array.from({ length: 99 }, () => pacer.delayMs()),
      Array(99).fill(0),
    );
  });

  for (const storages of [100, 250, 1000, 10_000]) {
    it(`spreads ${storages} reconnects so that no second sees more than a tenth of them`, () => {
      for (let run = 0; run < 5; run++) {
        const { pacer } = pacerOf(storages);
        const times = Array.from({ length: storages }, () => pacer.delayMs());
        assert.ok(mostInASecond(times) <= storages / 10, `${mostInASecond(times)} in a second`);
        assert.ok(Math.max(...times) < 20_000, 'and none waits longer than it takes');
      }
    });
  }

  it('lets one that comes alone go at once, however many there are', () => {
    const { pacer, advance } = pacerOf(1000);
    for (let i = 0; i < 5; i++) {
      assert.equal(pacer.delayMs(), 0);
      advance(1000);
    }
  });

  it('does not count storages that were closed', () => {
    const { pacer } = pacerOf(50);
    const leave = Array.from({ length: 60 }, () => pacer.join());
    pacer.delayMs();
    assert.ok(pacer.delayMs() > 0);
    for (const step of leave) {
      step();
      step();
    }
    assert.equal(pacer.delayMs(), 0);
  });
});
