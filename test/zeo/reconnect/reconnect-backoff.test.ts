import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReconnectBackoff } from '#src/zeo/reconnect/reconnect-backoff.js';

describe('ReconnectBackoff', () => {
  const options = { minDelayMs: 500, maxDelayMs: 3_000, random: () => 1 };

  it('starts at zero, then doubles the bound of the delay up to the cap', () => {
    const backoff = new ReconnectBackoff(options);
    const delays = Array.from({ length: 6 }, () => backoff.nextDelayMs());
    assert.deepEqual(delays, [0, 500, 1_000, 2_000, 3_000, 3_000]);
    assert.equal(backoff.attempts, 6);
  });

  it('draws the whole delay at random', () => {
    const backoff = new ReconnectBackoff({ ...options, random: () => 0.1 });
    backoff.nextDelayMs();
    assert.equal(backoff.nextDelayMs(), 50);
  });

  it('uses the cap after a failure that will repeat', () => {
    const backoff = new ReconnectBackoff(options);
    backoff.nextDelayMs();
    assert.equal(backoff.nextDelayMs(true), 3_000);
  });

  it('stays at the cap however many attempts follow', () => {
    const backoff = new ReconnectBackoff(options);
    for (let i = 0; i < 5_000; i += 1) backoff.nextDelayMs();
    assert.equal(backoff.nextDelayMs(), 3_000);
  });
});
