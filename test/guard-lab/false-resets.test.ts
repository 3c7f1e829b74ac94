import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missingForSlowLinks } from '../faults/kernel/networks/missing.js';
import { type BusyMachine, unlessTooBusy } from '../support/machine-lateness.js';
import { transferSlowly } from './slow-path.js';
import { loseSome, type Ordeal, type Stall, stand, survive, type Times } from './survival.js';

const clients = 20;
const stalls: readonly Stall[] = [
  { by: 'SIGSTOP', ms: 100 },
  { by: 'SIGSTOP', ms: 1200 },
];

async function assertNoneIsReset(machine: BusyMachine, times: Times, ordeal: Ordeal): Promise<void> {
  const outcome = await survive(clients, times, ordeal);
  const { deaths, lost, failedCalls, stillWatched } = outcome;
  machine.inTime(() => assert.equal(deaths, 0, JSON.stringify(outcome)));
  // The guard resets the clients of a connection that it takes for dead.
  if (deaths === 0) assert.deepEqual([lost, failedCalls], [0, 0], JSON.stringify(outcome));
  assert.ok(stillWatched, 'not all connections were reset when they were cut off afterwards');
}

describe('Clients behind a guard whose server is well', {
  skip: missingForSlowLinks(),
  timeout: 120_000,
}, () => {
  it('are not reset when the guard stands still for longer than its timeout', (t) =>
    unlessTooBusy(t, async (machine) => {
      await assertNoneIsReset(machine, { period: 0.3, timeout: 0.5 }, stand(stalls));
    }));

  it('are not reset when packets are lost on the way to their server', (t) =>
    unlessTooBusy(t, async (machine) => {
      await assertNoneIsReset(machine, { period: 0.5, timeout: 2 }, loseSome(0.01, 2));
    }));

  it('store and load what takes longer than the timeout, and may stop meanwhile', (t) =>
    unlessTooBusy(t, async (machine) => {
      const times = { period: 0.2, timeout: 0.3 };
      const transfers = await transferSlowly({ mebibytes: 2, megabits: 24, times, stopMs: 1000 });
      assert.equal(transfers.length, 4);
      for (const transfer of transfers) {
        const { error, deaths, tookMs, leastMs } = transfer;
        machine.inTime(() => assert.equal(deaths, 0, JSON.stringify(transfer)));
        if (deaths > 0) continue;
        assert.equal(error, undefined, JSON.stringify(transfer));
        assert.ok(tookMs > 0.9 * leastMs, JSON.stringify(transfer));
      }
    }));
});
