import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missingForKernelFaults } from '../faults/kernel/networks/missing.js';
import { busiestSecond } from '../faults/process/seconds.js';
import { MachineLateness } from '../support/machine-lateness.js';
import { loseHerd } from './herd.js';

const count = 300;
const times = { period: 0.5, timeout: 0.5 };

describe('Many clients behind a guard that lose their server at once', {
  skip: missingForKernelFaults(),
  timeout: 120_000,
}, () => {
  it('are reset within the bound, and served by the next, a few at a time', async (t) => {
    const lateness = new MachineLateness();
    t.after(() => lateness.stop());
    const outcome = await loseHerd({ count, times, server: 'embedded', loss: 'path dropped' });
    const { lostMs, greetedMs, servedMs } = outcome;
    const [lastLostMs, mostInASecond] = [Math.max(...lostMs), busiestSecond(greetedMs)];
    t.diagnostic(`the last was reset after ${lastLostMs} ms; ${mostInASecond} connected in one second`);
    assert.deepEqual([lostMs.length, servedMs.length], [count, count]);
    const boundMs = (times.period + 2 * times.timeout) * 1000;
    assert.ok(lastLostMs <= boundMs + 500 + 2 * lateness.totalMs, `reset after ${lastLostMs} ms`);
    // 20 at once, and one more every 7 ms; otherwise all come within some tenths of a second.
    const most = (3 / 4) * count * (1 + lateness.totalMs / 1000);
    assert.ok(mostInASecond <= most, `${mostInASecond} of ${count} connected in one second`);
  });
});
