import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MachineLateness } from '../support/machine-lateness.js';
import { missingServer } from '../support/servers.js';
import type { Fault } from './fault.js';
import { brokenPromises } from './report/judge.js';

/**
 * A busy machine must not fail the suite: a bound may be missed by the time that the machine itself was late during the run,
 * for each of the two processes involved, plus a little. At full size the figures are judged to the millisecond.
 */
const allowance = (latenessMs: number) => 500 + 2 * latenessMs;

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
          const lateness = new MachineLateness();
          try {
            const results = await fault.run({ size: 'scaled', server, progress });
            assert.ok(results.length > 0);
            const allowanceMs = allowance(lateness.totalMs);
            t.diagnostic(`allowed for this machine: ${Math.round(allowanceMs)} ms`);
            let late: string | undefined;
            for (const { tooBusy, ...result } of results) {
              const broken = brokenPromises(result, allowanceMs);
              // A promise that was kept on a busy machine was kept all the same.
              if (tooBusy !== undefined && broken.length > 0) late ??= tooBusy;
              else assert.deepEqual(broken, [], result.variant);
            }
            if (late !== undefined) t.skip(`the machine was too busy: ${late}`);
          } finally {
            await lateness.stop();
          }
        });
      }
    });
  }
}
