import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Notification } from '#src/zeo/connection/notification.js';
import { NotificationQueue } from '#src/zeo/connection/notification-queue.js';
import { id } from '../storage/scripted-peer.js';

function invalidated(tid: number, ...oids: number[]): Notification {
  return { type: 'invalidated', tid: id(tid), oids: oids.map(id) };
}

describe('NotificationQueue', () => {
  it('returns copies of the notifications, once and in order', () => {
    const queue = new NotificationQueue();
    const [tid, oid] = [id(2), id(7)];
    queue.add(invalidated(1, 5, 6));
    queue.add({ type: 'invalidated', tid, oids: [oid] });
    queue.add(invalidated(3));
    tid.fill(0);
    oid.fill(0);
    assert.deepEqual(queue.drain(), [invalidated(1, 5, 6), invalidated(2, 7), invalidated(3)]);
    assert.deepEqual(queue.drain(), []);
  });

  it('keeps only the newest storage info', () => {
    const queue = new NotificationQueue();
    for (let length = 0; length <= 1000; length++) queue.add({ type: 'info', info: { length } });
    queue.add({ type: 'info', info: { size: 5 } });
    assert.deepEqual(queue.drain(), [{ type: 'info', info: { length: 1000, size: 5 } }]);
  });

  const everything: Notification = { type: 'invalidated', tid: id(90_000), oids: null };

  it('replaces too many invalidations by one for all objects', () => {
    const queue = new NotificationQueue();
    queue.add(invalidated(90_000, 1));
    for (let tid = 1; tid < 20_000; tid++) queue.add(invalidated(tid));
    queue.add({ type: 'info', info: { length: 1 } });
    assert.deepEqual(queue.drain(), [everything, { type: 'info', info: { length: 1 } }]);
  });

  it('does so for too many objects, and starts over once drained', () => {
    const queue = new NotificationQueue();
    const oids = Array.from({ length: 60_000 }, (_, index) => id(index));
    queue.add({ type: 'invalidated', tid: id(89_999), oids });
    queue.add({ type: 'invalidated', tid: id(90_000), oids });
    queue.add(invalidated(2, 1));
    assert.deepEqual(queue.drain(), [everything]);
    queue.add(invalidated(3, 1));
    assert.deepEqual(queue.drain(), [invalidated(3, 1)]);
  });
});
