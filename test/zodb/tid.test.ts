import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextTid, tidAt, tidTime } from '#src/zeo/server/index.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('A transaction id', () => {
  it('encodes a moment as ZODB does', () => {
    // ZEO's own server gave this one at that time: see `history` in zeo-wire/z5.jsonl.
    assert.equal(tidTime(Buffer.from('040d2f73514d8f88', 'hex')).toFixed(3), '1795345159055.384');
    // str(persistent.TimeStamp.TimeStamp(2026, 11, 22, 10, 59, 30.0).raw().hex())
    assert.equal(hex(tidAt(Date.UTC(2026, 10, 22, 10, 59, 30))), '040d2f7380000000');
  });

  it('is decoded to the moment that it was made of', () => {
    for (const ms of [0, Date.UTC(2024, 1, 29, 23, 59, 59, 999), Date.UTC(2100, 11, 31, 12)]) {
      assert.ok(Math.abs(tidTime(tidAt(ms)) - ms) < 0.001);
    }
  });

  it('is later than the last one even if the clock is not', () => {
    const now = Date.UTC(2026, 10, 22, 10, 59, 30);
    const last = tidAt(now);
    assert.equal(hex(nextTid(last, now)), '040d2f7380000001');
    assert.equal(hex(nextTid(last, now - 60_000)), '040d2f7380000001');
  });

  it('continues with the next minute of the calendar', () => {
    const last = tidAt(Date.UTC(2026, 1, 28, 23, 59));
    last.fill(255, 4);
    assert.equal(tidTime(nextTid(last, 0)), Date.UTC(2026, 2, 1));
  });
});
