import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missingForSlowLinks } from '../faults/kernel/networks/missing.js';
import { unlessTooBusy } from '../support/machine-lateness.js';
import { transferSlowly } from './slow-path.js';
import { loseSome, type Ordeal, type Stall, stand, survive, type Times } from './survival.js';

const clients = 20;
const stalls: readonly Stall[] = [
  { by: 'SIGSTOP', ms: 100 },
  { by: 'SIGSTOP', ms: 1200 },
];

async function assertNoneIsReset(times: Times, ordeal: Ordeal): Promise<void> {
  const outcome = await survive(clients, times, ordeal);
  const { deaths, lost, failedCalls, stillWatched } = outcome;
  assert.deepEqual([deaths, lost, failedCalls], [0, 0, 0], JSON.stringify(outcome));
  assert.ok(stillWatched, 'not all connections were reset when they were cut off afterwards');
}

describe('Clients behind a guard whose server is well', {
  skip: missingForSlowLinks(),
  timeout: 120_000,
}, () => {
  it('are not reset when the guard stands still for longer than its timeout', (t) =>
    unlessTooBusy(t, async () => {
      await assertNoneIsReset({ period: 0.3, timeout: 0.5 }, stand(stalls));
    }));

  it('are not reset when packets are lost on the way to their server', (t) =>
    unlessTooBusy(t, async () => {
      await assertNoneIsReset({ period: 0.5, timeout: 2 }, loseSome(0.01, 2));
    }));

  it('store and load what takes longer than the timeout, and may stop meanwhile', (t) =>
    unlessTooBusy(t, async () => {
      const times = { period: 0.2, timeout: 0.3 };
      const transfers = await transferSlowly({ mebibytes: 2, megabits: 24, times, stopMs: 1000 });
      assert.equal(transfers.length, 4);
      for (const transfer of transfers) {
        const { error, deaths, tookMs, leastMs } = transfer;
        assert.deepEqual([error, deaths], [undefined, 0], JSON.stringify(transfer));
        assert.ok(tookMs > 0.9 * leastMs, JSON.stringify(transfer));
      }
    }));
});
