import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Outage } from '#src/agent/ping/outage.js';

describe('An outage', () => {
  it('becomes a dropped flow when the same server is reached again at once', () => {
    const outage = new Outage(1000, 'path-or-host-gone', 'a:1');
    outage.reconnected(1200, 'a:1');
    assert.equal(outage.cause, 'flow-dropped');
  });

  it('keeps its cause if it took longer, or another server was reached', () => {
    const slow = new Outage(1000, 'path-or-host-gone', 'a:1');
    slow.reconnected(9000, 'a:1');
    assert.equal(slow.cause, 'path-or-host-gone');
    const elsewhere = new Outage(1000, 'path-or-host-gone', 'a:1');
    elsewhere.reconnected(1100, 'b:1');
    assert.equal(elsewhere.cause, 'path-or-host-gone');
  });

  it('keeps the cause of a process that hung and soon continued', () => {
    const outage = new Outage(1000, 'peer-hangs', 'a:1');
    outage.reconnected(1200, 'a:1');
    assert.equal(outage.cause, 'peer-hangs');
  });

  it('becomes a refused connection when the server’s host refuses one', () => {
    const outage = new Outage(0, 'peer-hangs', 'a:1');
    const refusal = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    outage.attemptFailed(new Error('Cannot connect', { cause: refusal }));
    assert.equal(outage.cause, 'refused');
  });

  it('reads the code of an error whose causes form a circle', () => {
    const outage = new Outage(0, 'unknown', 'a:1');
    const error = new Error('Cannot connect');
    error.cause = new Error('again', { cause: error });
    outage.attemptFailed(error);
    assert.equal(outage.cause, 'unknown');
  });
});
