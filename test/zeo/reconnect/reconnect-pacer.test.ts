import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReconnectPacer } from '#src/zeo/reconnect/reconnect-pacer.js';

const server = 'db:8100';

function pacerOf(storages: number) {
  let nowMs = 0;
  const pacer = new ReconnectPacer(() => nowMs);
  for (let i = 0; i < storages; i++) pacer.join([server]);
  return {
    pacer,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** The highest number of these times within any second. */
function mostInASecond(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(...sorted.map((from) => sorted.filter((at) => at >= from && at < from + 1000).length));
}

describe('ReconnectPacer', () => {
  it('does not delay fewer than a hundred storages', () => {
    const { pacer } = pacerOf(99);
    assert.deepEqual(
      Array.from({ length: 99 }, () => pacer.delayMs(server)),
      Array(99).fill(0),
    );
  });

  for (const storages of [100, 250, 1000, 10_000]) {
    it(`spreads ${storages} reconnects: at most a tenth per second`, () => {
      for (let run = 0; run < 5; run++) {
        const { pacer } = pacerOf(storages);
        const times = Array.from({ length: storages }, () => pacer.delayMs(server));
        assert.ok(mostInASecond(times) <= storages / 10, `${mostInASecond(times)} in a second`);
        assert.ok(Math.max(...times) < 20_000, 'and none waits longer than it takes');
      }
    });
  }

  it('does not delay a lone reconnect, however many storages there are', () => {
    const { pacer, advance } = pacerOf(1000);
    for (let i = 0; i < 5; i++) {
      assert.equal(pacer.delayMs(server), 0);
      advance(1000);
    }
  });

  it('does not delay storages because of those of another server', () => {
    const { pacer } = pacerOf(1000);
    for (let i = 0; i < 100; i++) pacer.join(['other:1', 'standby:1']);
    for (let i = 0; i < 1000; i++) pacer.delayMs(server);
    for (const address of ['other:1', 'standby:1', 'unknown:1']) assert.equal(pacer.delayMs(address), 0);
    // Spaced by the number of storages at that address: eight per second for a hundred.
    assert.ok(pacer.delayMs('other:1') >= 125);
  });

  it('does not count storages that were closed', () => {
    const { pacer } = pacerOf(50);
    for (let i = 0; i < 60; i++) pacer.join([server]);
    pacer.delayMs(server);
    assert.ok(pacer.delayMs(server) > 0);
    for (let i = 0; i < 60; i++) pacer.leave([server, 'never:1']);
    assert.equal(pacer.delayMs(server), 0);
  });
});
