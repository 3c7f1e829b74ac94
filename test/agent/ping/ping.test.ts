import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Ping } from '#src/agent/ping/ping.js';
import { systemClock } from '#src/async/clock.js';
import { Board } from '#src/threads/board.js';
import { type QueueLock, silentTarget, trackedBy } from '../scripted-target.js';

for (const how of ['with it', 'without it'] as const) {
  it(`A ping that has waited for its lock and is sent ${how} says what was received until then`, async () => {
    const board = new Board();
    const storage = silentTarget();
    const tracked = trackedBy(board, 'main', storage);
    const lock = storage.lock as QueueLock;
    const release = await lock.acquire();
    storage.lastReceivedAt = performance.now() - 5000;
    const ping = new Ping(tracked, board, () => {});
    ping.start();
    assert.equal(board.state(tracked.id), 'waiting');
    storage.lastReceivedAt = performance.now();
    if (how === 'with it') release();
    else ping.proceedWithoutLock();
    while (board.state(tracked.id) !== 'sent') await new Promise(setImmediate);
    assert.ok(board.receivedAgo(tracked.id, systemClock.now()) < 5000);
    ping.conclude({ verdict: 'abandoned' });
    release();
  });
}
