import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { LoadLock } from '#src/async/load-lock.js';

/** Adds `name` to `order` when the lock is granted. */
async function note(order: string[], name: string, taken: Promise<() => void>): Promise<() => void> {
  const release = await taken;
  order.push(name);
  return release;
}

describe('LoadLock', () => {
  it('is held exclusively by one at a time, first come, first served', async () => {
    const lock = new LoadLock();
    const order: string[] = [];
    const first = await note(order, 'first', lock.acquire());
    const second = note(order, 'second', lock.acquire());
    const third = note(order, 'third', lock.acquire());
    await turn();
    assert.deepEqual(order, ['first']);
    first();
    (await second)();
    (await third)();
    assert.deepEqual(order, ['first', 'second', 'third']);
    assert.equal(lock.locked, false);
  });

  it('is granted by tryAcquire() only when it is free', async () => {
    const lock = new LoadLock();
    const release = lock.tryAcquire();
    assert.equal(lock.tryAcquire(), undefined);
    release?.();
    const share = await lock.share();
    assert.equal(lock.tryAcquire(), undefined);
    share();
    assert.equal(lock.locked, false);
  });

  it('is shared by any number of loads at the same time', async () => {
    const lock = new LoadLock();
    const releases = await Promise.all([lock.share(), lock.share(), lock.share()]);
    for (const release of releases) release();
    assert.equal(lock.locked, false);
  });

  it('admits all waiting loads after one ping and before the next', async () => {
    const lock = new LoadLock();
    const order: string[] = [];
    const ping = await lock.acquire();
    const next = note(order, 'next ping', lock.acquire());
    const loads = [note(order, 'load 1', lock.share()), note(order, 'load 2', lock.share())];
    await turn();
    assert.deepEqual(order, []);
    ping();
    for (const release of await Promise.all(loads)) release();
    (await next)();
    assert.deepEqual(order, ['load 1', 'load 2', 'next ping']);
  });

  it('lets loads overtake a ping that waits for the lock', async () => {
    const lock = new LoadLock();
    const order: string[] = [];
    const slow = await lock.share();
    const ping = note(order, 'ping', lock.acquire());
    (await note(order, 'load', lock.share()))();
    slow();
    (await ping)();
    assert.deepEqual(order, ['load', 'ping']);
  });

  it('admits a ping even when loads follow each other without a gap', async () => {
    const lock = new LoadLock();
    let isOver = false;
    const loadWithoutEnd = async () => {
      while (!isOver) {
        const release = await lock.share();
        await turn();
        release();
      }
    };
    const loads = [loadWithoutEnd(), loadWithoutEnd()];
    (await lock.acquire())();
    isOver = true;
    await Promise.all(loads);
  });

  it('holds loads back only briefly for a ping while one of them is slow', async () => {
    const lock = new LoadLock();
    const slow = await lock.share();
    const controller = new AbortController();
    const ping = lock.acquire(controller.signal);
    let held = 0;
    // Long enough for loads to be held back more than once.
    for (let i = 0; i < 40; i += 1) {
      const before = performance.now();
      (await lock.share())();
      if (performance.now() - before > 5) held += 1;
      await sleep(20);
    }
    assert.ok(held >= 1, 'no load was held back');
    controller.abort();
    await assert.rejects(ping);
    slow();
    assert.equal(lock.locked, false);
  });

  it('is released once, however often release is called', async () => {
    const lock = new LoadLock();
    const release = await lock.acquire();
    release();
    const next = await lock.acquire();
    release();
    assert.equal(lock.locked, true);
    next();
    assert.equal(lock.locked, false);
  });

  it('rejects and forgets a waiter whose signal aborts', async () => {
    const lock = new LoadLock();
    const release = await lock.acquire();
    const controller = new AbortController();
    const waiters = [lock.acquire(controller.signal), lock.share(controller.signal)];
    const reason = new Error('enough');
    controller.abort(reason);
    for (const waiter of waiters) await assert.rejects(waiter, reason);
    release();
    assert.equal(lock.locked, false);
  });

  it('rejects at once when the signal is already aborted', async () => {
    const lock = new LoadLock();
    const reason = new Error('enough');
    await assert.rejects(lock.acquire(AbortSignal.abort(reason)), reason);
    await assert.rejects(lock.share(AbortSignal.abort(reason)), reason);
    assert.equal(lock.locked, false);
  });

  it('rejects all waiters, and is then free once released', async () => {
    const lock = new LoadLock();
    const release = await lock.acquire();
    const waiters = [lock.acquire(), lock.share()];
    const error = new Error('closed');
    lock.rejectWaiters(error);
    for (const waiter of waiters) await assert.rejects(waiter, error);
    release();
    assert.equal(lock.locked, false);
  });
});
