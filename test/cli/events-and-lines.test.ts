import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeepAlive } from '#src/agent/keep-alive.js';
import { Outage } from '#src/agent/ping/outage.js';
import { Reporter } from '#src/agent/report/reporter.js';
import { StorageRegistry } from '#src/agent/storage-registry.js';
import { loggerFor, reportAgent } from '#src/cli/watch/narrate.js';
import { KeepAliveError } from '#src/model/errors.js';
import type { EventName } from '#src/model/events.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { ScriptedTarget, trackedBy } from '../agent/scripted-target.js';

const board = new Board();
const error = new KeepAliveError('ERR_KEEPALIVE_TIMEOUT', 'silent');
const diagnosis = 'path-or-host-gone';
const newOutage = (sinceMs: number) => new Outage(sinceMs, diagnosis, undefined);

/** What the agent does for each of its events; a new event does not compile before it is here. */
const steps: Readonly<Record<EventName, readonly ((reporter: Reporter) => void)[]>> = {
  pingStarted: [(reporter) => reporter.pingStarted(newTarget())],
  pingSucceeded: [
    (reporter) => reporter.pingEnded(newTarget(), { verdict: 'alive', roundTripMs: 1, evidence: 'answer' }),
  ],
  pingFailed: [(reporter) => reporter.pingEnded(newTarget(), { verdict: 'failed', error })],
  connectionDied: [
    (reporter) => {
      const outage = newOutage(0);
      const death = { at: new Date(), error, silentMs: 1, timeToDetectMs: 1, diagnosis, outage } as const;
      reporter.pingEnded(newTarget(), { verdict: 'dead', error, death: { ...death, backAt: undefined } });
    },
    (reporter) => {
      const death = { diagnosis, unansweredMs: 1, by: 'probes', count: 2, unacknowledgedBytes: 0 } as const;
      const name = 'tcp db:5432';
      reporter.socketDied({ name, address: '10.0.0.5:5432', sequence: 1, error, death, isHeard: true });
    },
  ],
  connectionDown: [
    (reporter) => reporter.connectionDown(newTarget(), newOutage(performance.now())),
    (reporter) => reporter.connectionDown(newTarget(), newOutage(performance.now() - 600_000)),
  ],
  connectionBack: [
    (reporter) => {
      const outage = newOutage(0);
      outage.isLogged = true;
      reporter.connectionBack(newTarget(), outage);
    },
  ],
  connectionReplaced: [(reporter) => reporter.connectionReplaced(newTarget(), 1)],
  stalled: [
    (reporter) => reporter.stalled({ of: 'loop', durationMs: 1000 }),
    (reporter) => reporter.stalled({ of: 'process', durationMs: 1000 }),
  ],
  workerStarted: [(reporter) => reporter.workerStarted(0)],
  workerLost: [(reporter) => reporter.workerLost(error, 100)],
};

/** Events that the command does not show. */
const unshown: readonly string[] = ['pingStarted', 'connectionReplaced', 'workerStarted'];

/** Warnings and errors that no event accompanies. */
const linesOnly: Readonly<Record<string, (reporter: Reporter) => void>> = {
  'a target that throws': (reporter) => reporter.misbehaved(newTarget(), error),
  'a target that cannot be asked': (reporter) => reporter.unusable('main', error),
  'a database without a ping': (reporter) => reporter.unpingable('main'),
  'a loop that throws': (reporter) => reporter.thread.panicked(error),
  'a listener that throws': (reporter) => reporter.logListenerFailed(error, 'pingFailed'),
  'a registry without databases': (reporter) => reporter.thread.nothingOpened(60_000),
  'a server that hangs or is busy': (reporter) => reporter.pingHangs(newTarget()),
  'a warning in the words of another line': (reporter) => reporter.warning('Connection for main is down'),
  'a probably wrong setting': (reporter) => reporter.warning('Unknown option'),
  'patterns without a match': (reporter) => reporter.sockets.unmatched(['db'], 60_000),
  'patterns that match loopback': (reporter) => reporter.sockets.unmatchedButOnLoopback(['all'], 60_000),
  'an unreadable table': (reporter) => reporter.sockets.tableFailed({ path: '/proc', reason: 'absent' }),
};

function newTarget() {
  return trackedBy(board, 'main', new ScriptedTarget());
}

/** The events that the command shows for a step of the agent. */
async function shownFor(step: (reporter: Reporter) => void): Promise<string[]> {
  const shown: string[] = [];
  await using agent = new KeepAlive({ period: 60, level: 'silent' }, new StorageRegistry());
  reportAgent(agent, ({ event }) => shown.push(event));
  step(new Reporter(createLog({ logger: loggerFor(({ event }) => shown.push(event)) }), agent));
  return shown;
}

describe('watch shows an event of the agent once', () => {
  for (const [event, variants] of Object.entries(steps)) {
    for (const [index, step] of variants.entries()) {
      const expected = unshown.includes(event) ? [] : [event];
      it(`and not its log line as well: ${event} ${index + 1}`, async () =>
        assert.deepEqual(await shownFor(step), expected));
    }
  }

  for (const [what, step] of Object.entries(linesOnly)) {
    it(`and a log line without an event, as for ${what}`, async () =>
      assert.deepEqual(await shownFor(step), ['log']));
  }
});
