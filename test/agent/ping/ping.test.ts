import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { it } from 'node:test';
import { Ping } from '#src/agent/ping/ping.js';
import type { PingOutcome } from '#src/agent/ping/ping-outcome.js';
import { systemClock } from '#src/async/clock.js';
import type { Lock } from '#src/model/target.js';
import { Board } from '#src/threads/board.js';
import { type QueueLock, ScriptedTarget, silentTarget, trackedBy } from '../scripted-target.js';

const freeLock: Lock = { acquire: () => assert.fail(), tryAcquire: () => () => {} };

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

it('A ping that has waited for its lock is sent on the connection that there is then', async () => {
  const board = new Board();
  const target = Object.assign(silentTarget(), { socketPorts: { local: 40_001, remote: 8100 } });
  const tracked = trackedBy(board, 'main', target);
  const release = await target.lock.acquire();
  const ping = new Ping(tracked, board, () => {});
  ping.start();
  assert.deepEqual([board.state(tracked.id), board.ports(tracked.id)?.local], ['waiting', 40_001]);
  Object.assign(target, { generation: 2, socketPorts: { local: 40_002, remote: 8100 } });
  release();
  while (board.state(tracked.id) !== 'sent') await new Promise(setImmediate);
  assert.deepEqual([ping.generation, board.ports(tracked.id)?.local], [2, 40_002]);
  ping.conclude({ verdict: 'abandoned' });
});

it('A target that throws when it has been pinged may reject the aborted ping as well', async () => {
  const target = new (class extends ScriptedTarget {
    get outgoing(): undefined {
      throw new Error('outgoing');
    }
  })((signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
  target.lock = freeLock;
  const board = new Board();
  const outcome = await new Promise<PingOutcome>((resolve) =>
    new Ping(trackedBy(board, 'main', target), board, resolve).start(),
  );
  assert.ok(outcome.verdict === 'failed');
  assert.deepEqual(outcome.error, new Error('outgoing'));
  // An unhandled rejection would fail the test by then.
  await new Promise(setImmediate);
});

it('A target that connects for each ping shows the ports of that connection', async () => {
  const board = new Board();
  let answer = () => {};
  let reads = 0;
  const target = new (class extends ScriptedTarget {
    ports: { local: number; remote: number } | undefined;
    get socketPorts() {
      reads += 1;
      return this.ports;
    }
    get outgoing() {
      return { writtenBytes: 0, heldBackBytes: 0, isPingQueued: this.ports === undefined };
    }
  })(() => new Promise<void>((resolve) => (answer = resolve)));
  target.lock = freeLock;
  const tracked = trackedBy(board, 'main', target);
  for (const local of [40_001, 40_002]) {
    target.ports = undefined;
    const ended = new EventEmitter<{ ended: [] }>();
    const ping = new Ping(tracked, board, () => ended.emit('ended'));
    ping.start();
    assert.deepEqual([board.state(tracked.id), board.ports(tracked.id)], ['queued', undefined]);
    // Thousands may be queued for long, and this is called at each of the worker's ticks.
    const readsSoFar = reads;
    ping.noteTraffic();
    assert.equal(reads, readsSoFar);
    target.ports = { local, remote: 8100 };
    ping.noteTraffic();
    assert.deepEqual([board.state(tracked.id), board.ports(tracked.id)?.local], ['sent', local]);
    answer();
    await once(ended, 'ended');
  }
});

it('The ports of a connection are read once, and those of the next one when it is pinged', async () => {
  const board = new Board();
  let reads = 0;
  const target = new (class extends ScriptedTarget {
    get socketPorts() {
      reads += 1;
      return { local: 40_000 + this.generation, remote: 8100 };
    }
  })();
  const tracked = trackedBy(board, 'main', target);
  const ping = () => new Promise((resolve) => new Ping(tracked, board, resolve).start());
  await ping();
  await ping();
  assert.deepEqual([reads, board.ports(tracked.id)?.local], [1, 40_001]);
  target.generation = 2;
  await ping();
  assert.deepEqual([reads, board.ports(tracked.id)?.local], [2, 40_002]);
});

it('The bytes ahead of a ping are those written since the last ping that was answered', async () => {
  const board = new Board();
  const target = Object.assign(new ScriptedTarget(), { outgoing: { writtenBytes: 0, heldBackBytes: 0 } });
  target.lock = freeLock;
  const tracked = trackedBy(board, 'main', target);
  const aheadOfPing = async (writtenBytes: number, generation: number) => {
    Object.assign(target, { outgoing: { writtenBytes, heldBackBytes: 0 }, generation });
    await new Promise((resolve) => new Ping(tracked, board, resolve).start());
    return board.ahead(tracked.id);
  };
  assert.equal(await aheadOfPing(100, 1), 100);
  assert.equal(await aheadOfPing(150, 1), 50);
  assert.equal(await aheadOfPing(160, 2), 160);
});

it('Bytes that are held back do not count as sent after a ping', async () => {
  const board = new Board();
  const target = Object.assign(silentTarget(), { outgoing: { writtenBytes: 100, heldBackBytes: 0 } });
  target.lock = freeLock;
  const tracked = trackedBy(board, 'main', target);
  const ping = new Ping(tracked, board, () => {});
  ping.start();
  for (const [writtenBytes, heldBackBytes, since] of [
    [100, 30, -30],
    [140, 30, 10],
    [140, 0, 40],
  ] as const) {
    target.outgoing = { writtenBytes, heldBackBytes };
    ping.noteTraffic();
    assert.equal(board.sentSince(tracked.id), since);
  }
  ping.conclude({ verdict: 'abandoned' });
});

for (const remover of ['lock', 'getter'] as const) {
  it(`A ping that ends because the target's own ${remover} removes it is not sent, and releases the lock`, () => {
    let ping: Ping | undefined;
    let released = 0;
    const remove = (by: typeof remover) => {
      if (by === remover) ping?.conclude({ verdict: 'abandoned' });
    };
    const target = new (class extends ScriptedTarget {
      get socketPorts(): undefined {
        remove('getter');
        return undefined;
      }
    })(() => assert.fail('pinged'));
    target.lock = {
      acquire: () => assert.fail(),
      tryAcquire: () => {
        remove('lock');
        return () => {
          released += 1;
        };
      },
    };
    const board = new Board();
    const tracked = trackedBy(board, 'main', target);
    ping = new Ping(tracked, board, () => {});
    ping.start();
    assert.deepEqual([ping.wasSent, released, board.state(tracked.id)], [false, 1, 'concluded']);
  });
}
