import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { it } from 'node:test';
import { RoundTrips } from '#src/agent/ping/round-trips.js';
import { Member } from '#src/agent/ping/target-state.js';
import { Prober } from '#src/agent/prober.js';
import { Journal } from '#src/agent/report/reporter.js';
import { resolveSettings } from '#src/agent/settings.js';
import { Sweeper, type SweeperOptions } from '#src/agent/sweeper.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { type QueueLock, ScriptedStorage, silentStorage } from './scripted-storage.js';

function sweeperOf(
  members: readonly Member[],
  { board, ...options }: Pick<SweeperOptions, 'settings' | 'onOverdue'> & { readonly board: Board },
): Sweeper {
  const prober = new Prober({
    settings: options.settings,
    board,
    journal: new Journal(createLog({ level: 'silent' }), new EventEmitter()),
    members: new Map(members.map((member) => [member.id, member])),
  });
  return new Sweeper({ ...options, prober, storageCount: () => members.length });
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

/** The sweeper of a hundred storages that never answer, whose sweep of all of them has begun. */
function longSweep() {
  const { settings } = resolveSettings({ period: 1, timeout: 1 }, {});
  assert.ok(settings);
  const board = new Board();
  const roundTrips = new RoundTrips();
  const members = Array.from({ length: 100 }, (_, index) => {
    const storage = new ScriptedStorage(() => new Promise(() => {}));
    storage.loadLock = { acquire: () => assert.fail(), tryAcquire: () => () => {} };
    return new Member(board.occupy(), String(index), storage, roundTrips);
  });
  const sweeper = sweeperOf(members, { settings, board, onOverdue: () => {} });
  void sweeper.sweep(Uint32Array.from(members, ({ id }) => id));
  return { sweeper, members, begun: () => members.filter(({ pings }) => pings > 0).length };
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
