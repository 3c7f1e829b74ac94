import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WakeUp } from '#src/loop/wake-up.js';
import { ManualClock } from './manual-clock.js';

const toleranceMs = 250;

function setUp() {
  const clock = new ManualClock();
  const startMs = clock.now();
  const firedAtMs: number[] = [];
  const wakeUp = new WakeUp({ clock, toleranceMs, onWake: () => firedAtMs.push(clock.now() - startMs) });
  return { clock, startMs, firedAtMs, wakeUp };
}

describe('The wake-up of the ping loop', () => {
  it('fires once, at the time for which it was last scheduled', async () => {
    const { clock, startMs, firedAtMs, wakeUp } = setUp();
    wakeUp.schedule(startMs + 5000);
    wakeUp.schedule(startMs + 100);
    wakeUp.schedule(startMs + 1000);
    await clock.advance(10_000);
    assert.deepEqual(firedAtMs, [1000]);
    assert.equal(wakeUp.fired(clock.now() - 9000), undefined);
  });

  it('does not fire after it is cancelled or scheduled for never', async () => {
    const { clock, startMs, firedAtMs, wakeUp } = setUp();
    wakeUp.schedule(startMs + 100);
    wakeUp.cancel();
    wakeUp.schedule(startMs + 200);
    wakeUp.schedule(Infinity);
    await clock.advance(1000);
    assert.deepEqual(firedAtMs, []);
  });

  it('is not late while it is overdue by no more than the tolerance', () => {
    const { clock, startMs, wakeUp } = setUp();
    wakeUp.schedule(startMs + 100);
    clock.passes(100 + toleranceMs);
    assert.equal(wakeUp.overdue(clock.now()), undefined);
    assert.equal(wakeUp.fired(clock.now()), undefined);
  });

  it('returns time in which the process did not run only once', () => {
    const { clock, startMs, wakeUp } = setUp();
    wakeUp.schedule(startMs + 100);
    clock.passes(5000);
    const span = { fromMs: startMs + 100, toMs: clock.now() };
    assert.deepEqual(wakeUp.overdue(clock.now()), { span, suspendedMs: 0 });
    assert.equal(wakeUp.overdue(clock.now()), undefined);
    assert.equal(wakeUp.fired(clock.now()), undefined);
  });

  it('still fires if it is scheduled again while it is overdue', async () => {
    const { clock, startMs, firedAtMs, wakeUp } = setUp();
    wakeUp.schedule(startMs + 100);
    clock.passes(5000);
    wakeUp.schedule(startMs + 60_000);
    await clock.advance(1);
    assert.deepEqual(firedAtMs, [5000]);
    assert.equal(wakeUp.fired(clock.now())?.span.fromMs, startMs + 100);
  });
});
