import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missingForKernelFaults } from '../faults/kernel/networks/missing.js';
import { unlessTooBusy } from '../support/machine-lateness.js';
import { loseHerd } from './herd.js';

const count = 100;
const times = { period: 0.5, timeout: 0.5 };

describe('Many clients behind a guard that lose their server at once', {
  skip: missingForKernelFaults(),
  timeout: 120_000,
}, () => {
  it('are reset within the bound, and all served by the next one', (t) =>
    unlessTooBusy(t, async (machine) => {
      const outcome = await loseHerd({ count, times, server: 'embedded', loss: 'path dropped' });
      const { lostMs, servedMs } = outcome;
      const lastLostMs = Math.max(...lostMs);
      t.diagnostic(`the last was reset after ${lastLostMs} ms, and served after ${Math.max(...servedMs)} ms`);
      assert.deepEqual([lostMs.length, servedMs.length], [outcome.count, outcome.count]);
      const boundMs = (times.period + 2 * times.timeout) * 1000;
      const isInTime = lastLostMs <= boundMs + machine.allowanceMs;
      machine.inTime(() => assert.ok(isInTime, `reset after ${lastLostMs} ms`));
    }));
});
