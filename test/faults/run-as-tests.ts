import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unlessTooBusy } from '../support/machine-lateness.js';
import { missingServer } from '../support/servers.js';
import type { Fault } from './fault.js';
import { excuse, missedTimes, otherwiseBroken } from './report/judge.js';

/** More than four times what any fault here takes; a fault that hangs ends with it. */
const patienceMs = 120_000;

/**
 * Runs each fault at its scaled size, against each of its servers, as a test.
 *
 * The servers of one fault run at the same time: nearly all of the time is waiting.
 */
export function runAsTests(faults: readonly Fault[], { concurrency = true } = {}): void {
  for (const fault of faults) {
    const { name, about, servers } = fault;
    describe(about, { timeout: patienceMs, concurrency }, () => {
      for (const server of servers) {
        const missing = fault.missing?.() ?? missingServer(server);
        // Includes the fault's name, because the list of skipped tests shows nothing else.
        it(`${name} keeps its promises against ${server}`, { skip: missing }, async (t) => {
          const progress = (line: string) => t.diagnostic(line);
          await unlessTooBusy(t, async (machine) => {
            const results = await fault.run({ size: 'scaled', server, progress });
            assert.ok(results.length > 0);
            // At full size the figures are judged to the millisecond.
            const { allowanceMs } = machine;
            t.diagnostic(`allowed for this machine: ${Math.round(allowanceMs)} ms`);
            let excused: string | undefined;
            for (const result of results) {
              assert.deepEqual(otherwiseBroken(result), [], result.variant);
              const late = excuse(result, allowanceMs);
              excused ??= late;
              if (late !== undefined) continue;
              machine.inTime(() => assert.deepEqual(missedTimes(result, allowanceMs), [], result.variant));
            }
            if (excused !== undefined) t.skip(excused);
          });
        });
      }
    });
  }
}
