import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { WaitingClient } from '#src/guard/waiting-client.js';

describe('WaitingClient', () => {
  it('is held once for its time, however often a server comes and goes', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let expired = 0;
    const client = new WaitingClient(new Socket(), () => {
      expired += 1;
    });
    client.hold(5000);
    t.mock.timers.tick(4000);
    client.hold(5000);
    t.mock.timers.tick(1000);
    assert.equal(expired, 1);
  });
});
