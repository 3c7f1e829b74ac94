import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BusyMachine, unlessTooBusy } from '../support/machine-lateness.js';
import type { ClientName } from './clients/all.js';
import { type FalseDrops, falseDrops, loseSome, type Stall, stand, waitFor } from './false-drops.js';
import { missingForSockets, SocketLab } from './socket-lab.js';

const wanted = ['postgresql', 'redis'] as const;
const names: readonly ClientName[] = ['pg Pool', 'ioredis', 'http.Agent', 'http2', 'ws', 'TLS socket'];
const stalls: readonly Stall[] = [
  { by: 'blocked', ms: 100 },
  { by: 'SIGSTOP', ms: 1500 },
  { by: 'blocked', ms: 3000 },
  { by: 'SIGSTOP', ms: 3000 },
];

function assertNone(machine: BusyMachine, outcome: FalseDrops): void {
  const { dropped, lost, failedCalls } = outcome;
  machine.inTime(() => assert.equal(dropped, 0, JSON.stringify(outcome)));
  // The clients lose what the agent drops, and the calls on it.
  if (dropped === 0) assert.deepEqual([lost, failedCalls], [0, 0], JSON.stringify(outcome));
  assert.ok(outcome.stillWatches, 'a dead connection was not found afterwards');
}

describe('Connections of real clients that are well', { timeout: 120_000 }, () => {
  const skip = missingForSockets(wanted);

  it('live through stalls, long computations, closed windows and lost packets', { skip }, (t) =>
    unlessTooBusy(t, async (machine) => {
      await using lab = await SocketLab.start(wanted);
      assertNone(machine, await falseDrops(lab, names, stand(stalls)));
      assertNone(machine, await falseDrops(lab, [...names, 'unread socket', 'computing server'], waitFor(5)));
      // With T = 1 s, two probes of an idle connection that are lost in a row are a death: now and then, and rightly.
      const times = { period: 1, timeout: 3 };
      assertNone(machine, await falseDrops(lab, names, loseSome(lab, 0.01, 5), { times }));
    }),
  );
});
