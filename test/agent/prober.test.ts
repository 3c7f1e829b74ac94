import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { it } from 'node:test';
import { Prober } from '#src/agent/prober.js';
import { Reporter } from '#src/agent/report/reporter.js';
import { resolveSettings } from '#src/agent/settings.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { ScriptedTarget, trackedBy } from './scripted-target.js';

it('The error of a busy connection that is dead gives the evidence once', () => {
  const { settings } = resolveSettings({ period: 10 }, {});
  assert.ok(settings);
  const board = new Board();
  const target = Object.assign(new ScriptedTarget(), { answersInOrder: true, busy: true });
  const tracked = trackedBy(board, 'orders/6', target);
  const prober = new Prober({
    settings,
    board,
    reporter: new Reporter(createLog({ level: 'silent' }), new EventEmitter()),
    targets: new Map([[tracked.id, tracked]]),
  });
  const ping = prober.begin(tracked.id, () => {});
  assert.ok(ping);
  prober.conclude(tracked.id, ping.number, {
    verdict: 'dead',
    silentMs: 1340,
    diagnosis: 'path-or-host-gone',
  });
  assert.deepEqual(
    target.drops.map(({ error }) => error.message),
    ['orders/6 acknowledged nothing for 1.3 s, so the host or the path to it is gone'],
  );
});
