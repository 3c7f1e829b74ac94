import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missingForKernelFaults } from '../faults/kernel/networks/missing.js';
import { unlessTooBusy } from '../support/machine-lateness.js';
import { findZeo } from '../support/python/environments.js';
import { detect } from './detection.js';
import { detectionBoundMs } from './rows.js';

const version = '6.2';
const count = 5;

describe('Python clients behind guards whose server hangs', {
  skip: missingForKernelFaults() ?? findZeo(version).missing,
  timeout: 120_000,
}, () => {
  it('have their loads fail within the bound, and are served again', (t) =>
    unlessTooBusy(t, async (machine) => {
      const round = { loss: 'server stopped', way: 'guard', count } as const;
      const phases = await detect(version, [round], () => {});
      assert.equal(phases.length, count);
      // As in the fault lab: at the size of the command, each is judged to the millisecond.
      const { allowanceMs } = machine;
      for (const { failedMs, error, answeredMs } of phases) {
        const which = `failed after ${failedMs} ms (${error}), answered after ${answeredMs} ms`;
        t.diagnostic(which);
        assert.equal(error, 'ClientDisconnected', which);
        const isInTime = (failedMs as number) <= detectionBoundMs + allowanceMs;
        machine.inTime(() => assert.ok(isInTime, which));
        assert.ok(answeredMs !== undefined, which);
      }
    }));
});
