import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { it } from 'node:test';
import { RoundTrips } from '#src/agent/ping/round-trips.js';
import { Member } from '#src/agent/ping/target-state.js';
import { Prober } from '#src/agent/prober.js';
import { Journal } from '#src/agent/report/reporter.js';
import { resolveSettings, type Settings } from '#src/agent/settings.js';
import { Sweeper, type SweeperOptions } from '#src/agent/sweeper.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { type QueueLock, ScriptedStorage, silentStorage } from './scripted-storage.js';

function sweeperOf(
  members: readonly Member[],
  {
    board,
    ...options
  }: Pick<SweeperOptions, 'settings'> & Partial<SweeperOptions> & { readonly board: Board },
): Sweeper {
  return new Sweeper({
    prober: proberOf(members, options.settings, board),
    storageCount: () => members.length,
    onOverdue: () => {},
    onPanic: (error) => assert.fail(String(error)),
    ...options,
  });
}

function proberOf(members: readonly Member[], settings: Settings, board: Board): Prober {
  return new Prober({
    settings,
    board,
    journal: new Journal(createLog({ level: 'silent' }), new EventEmitter()),
    members: new Map(members.map((member) => [member.id, member])),
  });
}

it('The sweeper takes the load lock back when no worker ends a ping, and asks after the worker', async (t) => {
  const { settings } = resolveSettings({ period: 0.1, timeout: 0.1 }, {});
  assert.ok(settings);
  const board = new Board();
  const storage = silentStorage();
  const member = new Member(board.occupy(), 'silent', storage, new RoundTrips());
  const overdue = new Promise<void>((onOverdue) => {
    const sweeper = sweeperOf([member], { settings, board, onOverdue });
    void sweeper.sweep(Uint32Array.of(member.id));
  });
  const hold = setInterval(() => {}, 60_000);
  t.after(() => clearInterval(hold));
  await new Promise(setImmediate);
  assert.ok((storage.loadLock as QueueLock).held);
  await overdue;
  assert.ok(!(storage.loadLock as QueueLock).held);
  // The ping itself stays out: nobody has proof of a silence.
  assert.deepEqual(storage.drops, []);
  assert.ok(member.ping !== undefined && !member.ping.ended);
});

it('The sweeper keeps the lease of the other pings of a batch when one throws', async (t) => {
  const hold = setInterval(() => {}, 60_000);
  t.after(() => clearInterval(hold));
  const { settings } = resolveSettings({ period: 0.1, timeout: 0.1 }, {});
  assert.ok(settings);
  const board = new Board();
  const storages = [silentStorage(), silentStorage(), silentStorage()] as const;
  const members = storages.map(
    (storage, index) => new Member(board.occupy(), String(index), storage, new RoundTrips()),
  );
  const prober = proberOf(members, settings, board);
  const ping = prober.ping.bind(prober);
  prober.ping = (id, batch) => {
    if (id === members[1]?.id) throw new Error('thrown by a ping');
    ping(id, batch);
  };
  const panics: unknown[] = [];
  const ids = Uint32Array.from(members, ({ id }) => id);
  await new Promise<void>((onOverdue) => {
    const onPanic = (error: unknown) => panics.push(error);
    const sweeper = sweeperOf(members, { settings, board, prober, onOverdue, onPanic });
    void sweeper.sweep(ids).then((out) => assert.deepEqual(out, [ids[0], ids[2]]));
  });
  assert.deepEqual(panics.map(String), ['Error: thrown by a ping']);
  const held = storages.map(({ loadLock }) => (loadLock as QueueLock).held);
  assert.deepEqual(held, [false, false, false]);
});

/** The sweeper of storages that never answer, whose sweep of all of them has begun. */
function longSweep(count = 100) {
  const { settings } = resolveSettings({ period: 1, timeout: 1 }, {});
  assert.ok(settings);
  const board = new Board();
  const roundTrips = new RoundTrips();
  const members = Array.from({ length: count }, (_, index) => {
    const storage = new ScriptedStorage(() => new Promise(() => {}));
    storage.loadLock = { acquire: () => assert.fail(), tryAcquire: () => () => {} };
    return new Member(board.occupy(), String(index), storage, roundTrips);
  });
  const sweeper = sweeperOf(members, { settings, board });
  const swept = sweeper.sweep(Uint32Array.from(members, ({ id }) => id));
  return { sweeper, swept, members, begun: () => members.filter(({ pings }) => pings > 0).length };
}

/** A turn of the main loop, and what it has set going. */
async function turn(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise((resolve) => process.nextTick(resolve));
}

it('The sweeper begins a long sweep in several turns of the main loop, and no more of it when all are abandoned', async () => {
  const { sweeper, members, begun } = longSweep();
  await new Promise((resolve) => process.nextTick(resolve));
  assert.equal(begun(), 32);
  await turn();
  assert.equal(begun(), 64);
  sweeper.abandonAll();
  for (let turns = 0; turns < 3; turns++) await turn();
  assert.equal(begun(), 64);
  assert.ok(members.every(({ ping }) => ping === undefined));
});

it('The sweeper begins the rest of a long sweep at once when a turn of the main loop takes long', async () => {
  const { sweeper, begun } = longSweep();
  const untilMs = performance.now() + 110;
  while (performance.now() < untilMs);
  await turn();
  assert.equal(begun(), 100);
  sweeper.abandonAll();
});

it('The sweeper ends a sweep of more than may be in flight when all are abandoned', async () => {
  const { sweeper, swept, begun } = longSweep(400);
  while (begun() < 128) await turn();
  // Some more wait for a place now.
  await turn();
  await turn();
  sweeper.abandonAll();
  assert.deepEqual(await swept, []);
  assert.ok(begun() < 400);
});
