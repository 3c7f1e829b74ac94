/* A thread that sweeps, and posts how much of a ping is moved to the old generation. */
import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { Prober } from '#src/agent/prober.js';
import { Reporter } from '#src/agent/report/reporter.js';
import { resolveSettings } from '#src/agent/settings.js';
import { Sweeper } from '#src/agent/sweeper.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { promotedBytes } from '../../support/promoted-bytes.js';
import { ScriptedTarget, trackedBy } from '../scripted-target.js';

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
