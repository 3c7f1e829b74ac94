import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Outage } from '#src/agent/ping/outage.js';

describe('an outage', () => {
  it('turns out to have been one flow when the same server is reached again at once', () => {
    const outage = new Outage(1000, 'path-or-host-gone', 'a:1');
    outage.reconnected(1200, 'a:1');
    assert.equal(outage.cause, 'flow-dropped');
  });

  it('stays what it was when it took longer, or another server was reached', () => {
    const slow = new Outage(1000, 'path-or-host-gone', 'a:1');
    slow.reconnected(9000, 'a:1');
    assert.equal(slow.cause, 'path-or-host-gone');
    const elsewhere = new Outage(1000, 'path-or-host-gone', 'a:1');
    elsewhere.reconnected(1100, 'b:1');
    assert.equal(elsewhere.cause, 'path-or-host-gone');
  });

  it('stays that of a process that hung, and soon went on', () => {
    const outage = new Outage(1000, 'peer-hangs', 'a:1');
    outage.reconnected(1200, 'a:1');
    assert.equal(outage.cause, 'peer-hangs');
  });

  it('turns out to be a process that is gone when its host refuses', () => {
    const outage = new Outage(0, 'peer-hangs', 'a:1');
    const refusal = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    outage.attemptFailed(new Error('Cannot connect', { cause: refusal }));
    assert.equal(outage.cause, 'refused');
  });

  it('learns from an error whose causes go round in a circle, and does not go round with them', () => {
    const outage = new Outage(0, 'unknown', 'a:1');
    const error = new Error('Cannot connect');
    error.cause = new Error('again', { cause: error });
    outage.attemptFailed(error);
    assert.equal(outage.cause, 'unknown');
  });
});
