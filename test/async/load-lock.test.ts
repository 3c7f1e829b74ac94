import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { LoadLock } from '#src/async/load-lock.js';

/** Notes in `order` when the lock was had. */
async function note(order: string[], name: string, taken: Promise<() => void>): Promise<() => void> {
  const release = await taken;
  order.push(name);
  return release;
}

describe('LoadLock', () => {
  it('is held alone by one at a time, first come, first served', async () => {
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

  it('is taken at once only when nobody holds it', async () => {
    const lock = new LoadLock();
    const release = lock.tryAcquire();
    assert.equal(lock.tryAcquire(), undefined);
    release?.();
    const share = await lock.share();
    assert.equal(lock.tryAcquire(), undefined);
    share();
    assert.equal(lock.locked, false);
  });

  it('is shared by any number of loads', async () => {
    const lock = new LoadLock();
    const releases = await Promise.all([lock.share(), lock.share(), lock.share()]);
    for (const release of releases) release();
    assert.equal(lock.locked, false);
  });

  it('keeps loads out while it is held alone, and lets all of them in before the next ping', async () => {
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

  it('lets loads pass a ping that waits', async () => {
    const lock = new LoadLock();
    const order: string[] = [];
    const slow = await lock.share();
    const ping = note(order, 'ping', lock.acquire());
    (await note(order, 'load', lock.share()))();
    slow();
    (await ping)();
    assert.deepEqual(order, ['load', 'ping']);
  });

  it('lets a ping in although loads follow each other without a gap', async () => {
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

  it('does not keep loads behind a slow one for the sake of a ping', async () => {
    const lock = new LoadLock();
    const slow = await lock.share();
    const controller = new AbortController();
    const ping = lock.acquire(controller.signal);
    let held = 0;
    // Long enough for the ping to lose its patience more than once.
    for (let i = 0; i < 40; i += 1) {
      const before = performance.now();
      (await lock.share())();
      if (performance.now() - before > 5) held += 1;
      await sleep(20);
    }
    assert.ok(held >= 1, 'the ping never had its turn');
    controller.abort();
    await assert.rejects(ping);
    slow();
    assert.equal(lock.locked, false);
  });

  it('can be given back twice, which counts once', async () => {
    const lock = new LoadLock();
    const release = await lock.acquire();
    release();
    const next = await lock.acquire();
    release();
    assert.equal(lock.locked, true);
    next();
    assert.equal(lock.locked, false);
  });

  it('forgets a waiter whose signal aborts', async () => {
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

  it('rejects at once for a signal that is aborted already', async () => {
    const lock = new LoadLock();
    const reason = new Error('enough');
    await assert.rejects(lock.acquire(AbortSignal.abort(reason)), reason);
    await assert.rejects(lock.share(AbortSignal.abort(reason)), reason);
    assert.equal(lock.locked, false);
  });

  it('rejects all who wait when told so', async () => {
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
