import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogThrottle, reasonOf } from '#src/agent/report/log-throttle.js';

const minute = 60_000;

describe('a trouble that goes on', () => {
  it('is told at once, after a minute, and then each time that it has lasted twice as long, at least hourly', () => {
    const trouble = new LogThrottle(0);
    const told: [minutes: number, heldBack: number][] = [];
    for (let seconds = 0; seconds <= 5 * 3600; seconds += 10) {
      if (trouble.record('refused', seconds * 1000) === 'held back') continue;
      told.push([seconds / 60, trouble.takeHeldBack()]);
    }
    assert.deepEqual(told, [
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

  it('is told at once when its reason changes, but not when it changes back', () => {
    const trouble = new LogThrottle(0);
    const occurrences = ['refused', 'refused', 'timed out', 'refused', 'timed out'].map((reason, i) =>
      trouble.record(reason, 10_000 * i),
    );
    assert.deepEqual(occurrences, ['new', 'held back', 'new', 'held back', 'held back']);
  });

  it('makes no line each time although its reason is another each time', () => {
    const trouble = new LogThrottle(0);
    let lines = 0;
    for (let i = 0; i < 500; i++) if (trouble.record(`reason ${i}`, 100 * i) !== 'held back') lines += 1;
    assert.equal(lines, 8);
  });

  it('forgets the oldest of eight reasons after an hour, in favour of a new one', () => {
    const trouble = new LogThrottle(0);
    for (let i = 0; i < 8; i++) trouble.record(`reason ${i}`, i);
    assert.notEqual(trouble.record('ninth', 10), 'new');
    assert.equal(trouble.record('ninth', 61 * minute), 'new');
    assert.notEqual(trouble.record('ninth', 62 * minute), 'new');
  });

  it('is to be told as ended when things go well after a line, if occurrences were held back', () => {
    const trouble = new LogThrottle(0);
    trouble.record('refused', 0);
    assert.equal(trouble.recovered(1000), false, 'nothing was held back');
    trouble.record('timed out', 2000);
    trouble.record('timed out', 3000);
    assert.equal(trouble.recovered(4000), true);
    assert.equal(trouble.takeHeldBack(), 1);
    assert.equal(trouble.recovered(5000), false);
  });

  it('is one trouble also when it comes every other time, and makes no line every other time', () => {
    const trouble = new LogThrottle(0);
    const told: number[] = [];
    const eased: number[] = [];
    for (let seconds = 0; seconds < 600; seconds += 20) {
      if (trouble.record('refused', seconds * 1000) !== 'held back') told.push(seconds);
      if (trouble.recovered(seconds * 1000 + 10_000)) eased.push(seconds + trouble.takeHeldBack());
      assert.equal(trouble.isOver(seconds * 1000 + 10_000), false);
    }
    assert.deepEqual(told, [0, 60, 120, 240, 480]);
    assert.ok(eased.length <= told.length, `${eased}`);
  });

  it('is over when things have gone well for a minute, three times in a row', () => {
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

describe('the reason of a failure', () => {
  it('is the same for errors that differ in a number only, and another for another cause', () => {
    const refused = (port: number) =>
      new Error('Cannot connect', {
        cause: Object.assign(new Error(`connect 127.0.0.1:${port}`), { code: 'ECONNREFUSED' }),
      });
    assert.equal(reasonOf(refused(8100)), reasonOf(refused(9991)));
    assert.notEqual(reasonOf(refused(8100)), reasonOf(new Error('Cannot connect')));
  });

  it('can be had of anything that is thrown', () => {
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
