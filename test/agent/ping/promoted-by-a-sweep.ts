/* A thread that sweeps, and posts how much of a ping is moved to the old generation. */
import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { Prober } from '#src/agent/prober.js';
import { Reporter } from '#src/agent/report/reporter.js';
import { resolveSettings } from '#src/agent/settings.js';
import { Sweeper } from '#src/agent/sweeper.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { ScriptedTarget, trackedBy } from '../scripted-target.js';

const rounds = 100;

const { settings } = resolveSettings({ period: 1 }, {});
if (settings === undefined) throw new Error('expected settings of an agent that runs');
const board = new Board();
const targets = Array.from({ length: 128 }, (_, index) => {
  // Node 20 keeps signals, whoever has made them.
  const target = Object.assign(new ScriptedTarget(async () => {}), { ignoresPingSignal: true });
  return trackedBy(board, String(index), target);
});
const prober = new Prober({
  settings,
  board,
  reporter: new Reporter(createLog({ level: 'silent' }), new EventEmitter()),
  targets: new Map(targets.map((tracked) => [tracked.id, tracked])),
});
const fail = (problem: unknown) => {
  throw problem;
};
const sweeper = new Sweeper({
  settings,
  board,
  prober,
  targetCount: () => targets.length,
  onOverdue: () => fail(new Error('a ping was overdue')),
  onPanic: fail,
});
const ids = Uint32Array.from(targets, ({ id }) => id);
let sweeps = 0;
const isOver = (id: number) => board.taken(id) === sweeps && board.state(id) === 'concluded';
const promoted = await promotedBytes(async () => {
  sweeper.sweep(ids);
  sweeps += 1;
  while (!ids.every(isOver)) await nextTurn();
});
parentPort?.postMessage(promoted / targets.length);

/**
 * By how many bytes each round makes the old generation of this thread grow, when the young one is collected after each: what is
 * moved there stays until the next major collection, whether anything needs it or not.
 */
async function promotedBytes(round: () => Promise<void>): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  // An object is moved by the second collection that finds it alive.
  const collectYoung = () => {
    collect({ type: 'minor' });
    collect({ type: 'minor' });
  };
  for (let index = 0; index < 20; index++) await round();
  collect();
  collectYoung();
  const before = oldBytes();
  for (let index = 0; index < rounds; index++) {
    await round();
    // What has called this is not part of what the round leaves behind.
    await nextTurn();
    collectYoung();
  }
  return (oldBytes() - before) / rounds;
}

function oldBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space');
  return space?.space_used_size ?? Number.NaN;
}
