import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogThrottle, reasonOf } from '#src/agent/report/log-throttle.js';

const minute = 60_000;

describe('A recurring failure', () => {
  it('is logged at once, after a minute, then at doubling gaps up to an hour', () => {
    const throttle = new LogThrottle(0);
    const loggedAt: [minutes: number, heldBack: number][] = [];
    for (let seconds = 0; seconds <= 5 * 3600; seconds += 10) {
      if (throttle.record('refused', seconds * 1000) === 'held back') continue;
      loggedAt.push([seconds / 60, throttle.takeHeldBack()]);
    }
    assert.deepEqual(loggedAt, [
      [0, 0],
      [1, 5],
      [2, 5],
      [4, 11],
      [8, 23],
      [16, 47],
      [32, 95],
      [64, 191],
      [124, 359],
      [184, 359],
      [244, 359],
    ]);
  });

  it('is logged at once when its reason changes, not when it changes back', () => {
    const throttle = new LogThrottle(0);
    const occurrences = ['refused', 'refused', 'timed out', 'refused', 'timed out'].map((reason, i) =>
      throttle.record(reason, 10_000 * i),
    );
    assert.deepEqual(occurrences, ['new', 'held back', 'new', 'held back', 'held back']);
  });

  it('is not logged each time even if its reason differs each time', () => {
    const throttle = new LogThrottle(0);
    let lines = 0;
    for (let i = 0; i < 500; i++) if (throttle.record(`reason ${i}`, 100 * i) !== 'held back') lines += 1;
    assert.equal(lines, 8);
  });

  it('drops the oldest of eight reasons after an hour in favour of a new one', () => {
    const throttle = new LogThrottle(0);
    for (let i = 0; i < 8; i++) throttle.record(`reason ${i}`, i);
    assert.notEqual(throttle.record('ninth', 10), 'new');
    assert.equal(throttle.record('ninth', 61 * minute), 'new');
    assert.notEqual(throttle.record('ninth', 62 * minute), 'new');
  });

  it('is logged as ended at the first success, if lines were held back', () => {
    const throttle = new LogThrottle(0);
    throttle.record('refused', 0);
    assert.equal(throttle.recovered(1000), false, 'nothing was held back');
    throttle.record('timed out', 2000);
    throttle.record('timed out', 3000);
    assert.equal(throttle.recovered(4000), true);
    assert.equal(throttle.takeHeldBack(), 1);
    assert.equal(throttle.recovered(5000), false);
  });

  it('is one failure if it is intermittent, without a line each time', () => {
    const throttle = new LogThrottle(0);
    const loggedAt: number[] = [];
    const eased: number[] = [];
    for (let seconds = 0; seconds < 600; seconds += 20) {
      if (throttle.record('refused', seconds * 1000) !== 'held back') loggedAt.push(seconds);
      if (throttle.recovered(seconds * 1000 + 10_000)) eased.push(seconds + throttle.takeHeldBack());
      assert.equal(throttle.isOver(seconds * 1000 + 10_000), false);
    }
    assert.deepEqual(loggedAt, [0, 60, 120, 240, 480]);
    assert.ok(eased.length <= loggedAt.length, `${eased}`);
  });

  it('is over after a minute with three successes in a row', () => {
    const often = new LogThrottle(0);
    often.record('refused', 0);
    for (let seconds = 1; seconds < 60; seconds++) often.recovered(seconds * 1000);
    assert.equal(often.isOver(59_000), false);
    assert.equal(often.isOver(61_000), true);
    const rarely = new LogThrottle(0);
    rarely.record('refused', 0);
    rarely.recovered(5 * minute);
    rarely.recovered(10 * minute);
    assert.equal(rarely.isOver(10 * minute), false);
    rarely.recovered(15 * minute);
    assert.equal(rarely.isOver(15 * minute), true);
  });
});

describe('The reason of a failure', () => {
  it('is the same for errors that differ only in numbers', () => {
    const refused = (port: number) =>
      new Error('Cannot connect', {
        cause: Object.assign(new Error(`connect 127.0.0.1:${port}`), { code: 'ECONNREFUSED' }),
      });
    assert.equal(reasonOf(refused(8100)), reasonOf(refused(9991)));
    assert.notEqual(reasonOf(refused(8100)), reasonOf(new Error('Cannot connect')));
  });

  it('is found for any value that can be thrown', () => {
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'message', {
      get: () => {
        throw new Error('getter');
      },
    });
    for (const thrown of [undefined, null, 5, 'text', {}, Object.create(null), Symbol('s'), hostile]) {
      assert.equal(typeof reasonOf(thrown), 'string');
    }
    assert.ok(reasonOf(new Error('x'.repeat(1_000_000))).length <= 200);
  });
});
