import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deliveryOf, diagnose, type TcpState } from '#src/tcp/diagnosis.js';
import { TcpRow, TcpStates, TcpTimers } from '#src/tcp/tcp-rows.js';

const quiet: TcpState = { ...new TcpRow(), state: TcpStates.established };

const diagnosisOf = (state: TcpState | undefined, sentSince = 0) =>
  diagnose(deliveryOf(state, sentSince).state);

describe('The diagnosis of a silence', () => {
  const cases: [what: string, state: TcpState | undefined, diagnosis: string | undefined][] = [
    ['says that it cannot tell without a look at the system', undefined, 'unknown'],
    ['says that the peer hangs when its host acknowledged everything', quiet, 'peer-hangs'],
    [
      'says that the path or the host is gone when bytes are sent again in vain',
      { ...quiet, unacknowledgedBytes: 32, retransmits: 3 },
      'path-or-host-gone',
    ],
    [
      'says that the path or the host is gone when two probes in a row are not answered',
      { ...quiet, unansweredProbes: 2 },
      'path-or-host-gone',
    ],
    ['makes nothing of a single lost probe', { ...quiet, unansweredProbes: 1 }, 'peer-hangs'],
    [
      'says that the peer hangs when it does not read, and its host keeps the window closed',
      { ...quiet, unacknowledgedBytes: 70_000, retransmits: 2, timer: TcpTimers.windowProbe },
      'peer-hangs',
    ],
    [
      'says that the path or the host is gone when probes of a window are not answered',
      { ...quiet, unacknowledgedBytes: 32, unansweredProbes: 2, timer: TcpTimers.windowProbe },
      'path-or-host-gone',
    ],
    ['is none while bytes lie unread', { ...quiet, unreadBytes: 1, unansweredProbes: 2 }, undefined],
    [
      'is none while bytes are on their way and being acknowledged',
      { ...quiet, unacknowledgedBytes: 500_000 },
      undefined,
    ],
  ];
  for (const [what, state, diagnosis] of cases) {
    it(what, () => assert.equal(diagnosisOf(state), diagnosis));
  }

  it('tells a ping that has arrived by what was sent after it: no more than that is unacknowledged', () => {
    const busy = { ...quiet, unacknowledgedBytes: 500 };
    assert.equal(diagnosisOf(busy, 499), undefined);
    assert.equal(diagnosisOf(busy, 500), 'peer-hangs');
    assert.equal(diagnosisOf({ ...busy, retransmits: 1 }, 500), 'path-or-host-gone');
  });

  it('counts what has not been handed to the system as undelivered', () => {
    assert.deepEqual(deliveryOf({ ...quiet, unacknowledgedBytes: 500 }, -100), {
      state: 'under way',
      undelivered: 600,
      isHandedOver: false,
    });
    assert.equal(deliveryOf(quiet, -100).undelivered, 100);
    assert.deepEqual(deliveryOf(undefined, 0), { state: 'unknown', undelivered: 0, isHandedOver: true });
  });
});
