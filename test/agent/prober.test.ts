import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { Prober } from '#src/agent/prober.js';
import { Reporter } from '#src/agent/report/reporter.js';
import { resolveSettings } from '#src/agent/settings.js';
import { createLog } from '#src/observability/log.js';
import type { Diagnosis } from '#src/tcp/diagnosis.js';
import { Board } from '#src/threads/board.js';
import { ScriptedTarget, trackedBy } from './scripted-target.js';

function errorOfBusy(diagnosis: Diagnosis): string | undefined {
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
  prober.conclude(tracked.id, ping.number, { verdict: 'dead', silentMs: 1340, diagnosis });
  return target.drops[0]?.error.message;
}

describe('The error of a busy connection that is dead', () => {
  it('gives the evidence once', () => {
    assert.equal(
      errorOfBusy('path-or-host-gone'),
      'orders/6 acknowledged nothing for 1.3 s, so the host or the path to it is gone',
    );
  });

  it('names the server process if its ping was called off after the verdict', () => {
    assert.match(errorOfBusy('peer-hangs') ?? '', /sent no byte for 1\.3 s .*the server process hangs$/);
  });
});
