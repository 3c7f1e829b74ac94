import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectPacer } from '#src/guard/connect-pacer.js';
import { ManualClock } from '../loop/manual-clock.js';

const staying = new AbortController().signal;

/** A pacer, and when each of its clients was let through, in milliseconds. */
function pacing() {
  const clock = new ManualClock();
  const pacer = new ConnectPacer(clock);
  const startMs = clock.now();
  const turns: number[] = [];
  const come = (count: number, signal = staying) => {
    for (let index = 0; index < count; index++) {
      pacer.turn(signal).then(
        () => turns.push(clock.now() - startMs),
        () => {},
      );
    }
  };
  return { clock, turns, come };
}

describe('ConnectPacer', () => {
  it('spreads a thousand clients over seven seconds, a fifth in none', async () => {
    const { clock, turns, come } = pacing();
    come(1000);
    await clock.advance(7000);
    assert.equal(turns.length, 1000);
    const perSecond = new Map<number, number>();
    for (const ms of turns) {
      const second = Math.floor(ms / 1000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    assert.ok(Math.max(...perSecond.values()) < 200, JSON.stringify([...perSecond]));
  });

  it('lets a few go at once, and again after a while', async () => {
    const { clock, turns, come } = pacing();
    come(20);
    await clock.advance(1000);
    come(20);
    await clock.advance(0);
    assert.deepEqual(new Set(turns.map(Math.round)), new Set([0, 1000]));
  });

  it('gives no place to a client that does not wait for its turn', async () => {
    const { clock, turns, come } = pacing();
    const leaving = new AbortController();
    come(21);
    come(10_000, leaving.signal);
    come(1);
    leaving.abort();
    await clock.advance(100);
    assert.equal(turns.length, 22);
  });
});
