import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unlessTooBusy } from '../support/machine-lateness.js';
import { missingServer } from '../support/servers.js';
import type { Fault } from './fault.js';
import { brokenPromises, excuse } from './report/judge.js';

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
          await unlessTooBusy(t, async (lateness) => {
            const results = await fault.run({ size: 'scaled', server, progress });
            assert.ok(results.length > 0);
            // At full size the figures are judged to the millisecond.
            const { allowanceMs } = lateness;
            t.diagnostic(`allowed for this machine: ${Math.round(allowanceMs)} ms`);
            let late: string | undefined;
            for (const result of results) {
              const excused = excuse(result, allowanceMs);
              if (excused === undefined)
                assert.deepEqual(brokenPromises(result, allowanceMs), [], result.variant);
              late ??= excused;
            }
            if (late !== undefined) t.skip(late);
          });
        });
      }
    });
  }
}
