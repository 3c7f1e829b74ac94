import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { TrackedTarget } from '#src/agent/ping/tracked-target.js';
import { Prober } from '#src/agent/prober.js';
import { Reporter } from '#src/agent/report/reporter.js';
import { resolveSettings, type Settings } from '#src/agent/settings.js';
import { Sweeper, type SweeperOptions } from '#src/agent/sweeper.js';
import { systemClock } from '#src/async/clock.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { type QueueLock, ScriptedTarget, silentTarget, trackedBy } from './scripted-target.js';

function sweeperOf(
  targets: readonly TrackedTarget[],
  {
    board,
    ...options
  }: Pick<SweeperOptions, 'settings'> & Partial<SweeperOptions> & { readonly board: Board },
): Sweeper {
  return new Sweeper({
    board,
    prober: proberOf(targets, options.settings, board),
    targetCount: () => targets.length,
    onOverdue: () => {},
    onPanic: (error) => assert.fail(String(error)),
    ...options,
  });
}

function proberOf(targets: readonly TrackedTarget[], settings: Settings, board: Board): Prober {
  return new Prober({
    settings,
    board,
    reporter: new Reporter(createLog({ level: 'silent' }), new EventEmitter()),
    targets: new Map(targets.map((tracked) => [tracked.id, tracked])),
  });
}

it('The sweeper ends the lease of a ping that no worker ends', async (t) => {
  const { settings } = resolveSettings({ period: 0.1, timeout: 0.1 }, {});
  assert.ok(settings);
  const board = new Board();
  const storage = silentTarget();
  const tracked = trackedBy(board, 'silent', storage);
  const overdue = new Promise<void>((onOverdue) => {
    const sweeper = sweeperOf([tracked], { settings, board, onOverdue });
    sweeper.sweep(Uint32Array.of(tracked.id));
  });
  const hold = setInterval(() => {}, 60_000);
  t.after(() => clearInterval(hold));
  await new Promise(setImmediate);
  assert.ok((storage.lock as QueueLock).held);
  await overdue;
  assert.ok(!(storage.lock as QueueLock).held);
  // The ping itself stays out: no silence has been proven.
  assert.deepEqual(storage.drops, []);
  assert.equal(board.state(tracked.id), 'sent');
});

it('The sweeper ends the lease of a lock that is granted after a first lease', async (t) => {
  const hold = setInterval(() => {}, 60_000);
  t.after(() => clearInterval(hold));
  const { settings } = resolveSettings({ period: 0.1, timeout: 0.1 }, {});
  assert.ok(settings);
  const board = new Board();
  const target = silentTarget();
  const lock = target.lock as QueueLock;
  const release = await lock.acquire();
  const tracked = trackedBy(board, 'silent', target);
  let expired = 0;
  await new Promise<void>((resolve) => {
    const onOverdue = () => {
      expired += 1;
      if (expired === 1) release();
      else resolve();
    };
    sweeperOf([tracked], { settings, board, onOverdue }).sweep(Uint32Array.of(tracked.id));
  });
  assert.deepEqual([target.pings, lock.held], [1, false]);
});

it('The sweeper keeps the leases of other pings in a batch if one throws', async (t) => {
  const hold = setInterval(() => {}, 60_000);
  t.after(() => clearInterval(hold));
  const { settings } = resolveSettings({ period: 0.1, timeout: 0.1 }, {});
  assert.ok(settings);
  const board = new Board();
  const storages = [silentTarget(), silentTarget(), silentTarget()] as const;
  const targets = storages.map((storage, index) => trackedBy(board, String(index), storage));
  const prober = proberOf(targets, settings, board);
  const begin = prober.begin.bind(prober);
  prober.begin = (id, onEnded) => {
    if (id === targets[1]?.id) throw new Error('thrown by a ping');
    return begin(id, onEnded);
  };
  const panics: unknown[] = [];
  const ids = Uint32Array.from(targets, ({ id }) => id);
  await new Promise<void>((onOverdue) => {
    const onPanic = (error: unknown) => panics.push(error);
    const sweeper = sweeperOf(targets, { settings, board, prober, onOverdue, onPanic });
    sweeper.sweep(ids);
  });
  assert.deepEqual(panics.map(String), ['Error: thrown by a ping']);
  // Also that of the ping that has thrown: the worker would wait for it.
  assert.deepEqual(
    targets.map(({ id }) => board.taken(id)),
    [1, 1, 1],
  );
  const held = storages.map(({ lock }) => (lock as QueueLock).held);
  assert.deepEqual(held, [false, false, false]);
});

/** A sweeper of targets that never reply unless told otherwise, which has begun a sweep of all of them. */
function longSweep(count = 100, answer: () => Promise<unknown> = () => new Promise(() => {})) {
  const { settings } = resolveSettings({ period: 1, timeout: 1 }, {});
  assert.ok(settings);
  const board = new Board();
  const targets = Array.from({ length: count }, (_, index) => {
    const storage = new ScriptedTarget(answer);
    storage.lock = { acquire: () => assert.fail(), tryAcquire: () => () => {} };
    return trackedBy(board, String(index), storage);
  });
  const sweeper = sweeperOf(targets, { settings, board });
  sweeper.sweep(Uint32Array.from(targets, ({ id }) => id));
  return { sweeper, targets, board, begun: () => targets.filter(({ pings }) => pings > 0).length };
}

/** One iteration of the main loop, with the callbacks that it has queued. */
async function turn(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise((resolve) => process.nextTick(resolve));
}

it('The sweeper spreads a long sweep over turns, and stops when abandoned', async (t) => {
  // It stops yielding after 100 ms, which a turn may take on a busy machine.
  t.mock.method(systemClock, 'now', () => 0);
  const { sweeper, targets, board, begun } = longSweep();
  await new Promise((resolve) => process.nextTick(resolve));
  assert.equal(begun(), 32);
  await turn();
  assert.equal(begun(), 64);
  sweeper.abandonAll();
  for (let turns = 0; turns < 3; turns++) await turn();
  assert.equal(begun(), 64);
  assert.ok(targets.every(({ id }) => board.state(id) === 'concluded'));
});

it('The sweeper begins one batch in a turn when many replies arrive at once', async (t) => {
  t.mock.method(systemClock, 'now', () => 0);
  const replies: (() => void)[] = [];
  const { sweeper, begun } = longSweep(400, () => new Promise<void>((reply) => replies.push(reply)));
  // All others are waiting for a slot after these.
  for (let turns = 0; turns < 20; turns++) await turn();
  for (const reply of replies.splice(0)) reply();
  for (let before = begun(); before < 256; ) {
    await turn();
    assert.ok(begun() - before <= 32, `${begun() - before} pings were begun in one turn, of at most 32`);
    before = begun();
  }
  sweeper.abandonAll();
});

it('The sweeper begins the rest of a sweep at once after a long turn', async () => {
  const { sweeper, begun } = longSweep();
  // The first batch begins, and the others wait for their turns.
  await new Promise((resolve) => process.nextTick(resolve));
  const untilMs = performance.now() + 110;
  while (performance.now() < untilMs);
  await turn();
  assert.equal(begun(), 100);
  sweeper.abandonAll();
});

it('The sweeper begins none of the pings that wait when all are abandoned, and then other ones', async () => {
  const { sweeper, targets, board, begun } = longSweep(400);
  while (begun() < 128) await turn();
  // The others are waiting for a slot now.
  await turn();
  await turn();
  sweeper.abandonAll();
  const before = begun();
  const last = targets.at(-1);
  assert.ok(last !== undefined && board.taken(last.id) === 0);
  sweeper.sweep(Uint32Array.of(last.id));
  while (board.taken(last.id) === 0) await turn();
  assert.equal(begun(), before + 1);
  sweeper.abandonAll();
});

it('The sweeper reports what is thrown as a batch begins, and goes on', async () => {
  const { settings } = resolveSettings({ period: 0.1, timeout: 0.1 }, {});
  assert.ok(settings);
  const board = new Board();
  const tracked = trackedBy(board, 'main', new ScriptedTarget());
  const panics: unknown[] = [];
  let throws = true;
  const targetCount = () => {
    if (throws) throw new Error('thrown by the registry');
    return 1;
  };
  const onPanic = (error: unknown) => panics.push(error);
  const sweeper = sweeperOf([tracked], { settings, board, targetCount, onPanic });
  for (const taken of [1, 2]) {
    sweeper.sweep(Uint32Array.of(tracked.id));
    while (board.taken(tracked.id) < taken) await turn();
    await turn();
    throws = false;
  }
  assert.deepEqual(panics.map(String), ['Error: thrown by the registry']);
  assert.equal(tracked.pings, 2);
});

it('The sweeper and the prober keep nothing of a ping that was answered', async () => {
  // In a thread of its own: the test runner keeps promises.
  const worker = new Worker(new URL('ping/promoted-by-a-sweep.js', import.meta.url));
  const [bytesOfAPing] = await once(worker, 'message');
  assert.ok(bytesOfAPing < 300, `${bytesOfAPing} bytes of a ping were moved to the old generation`);
});
