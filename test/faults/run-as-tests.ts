import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MachineLateness } from '../support/machine-lateness.js';
import { missingServer } from '../support/servers.js';
import type { Fault } from './fault.js';
import { brokenPromises } from './report/judge.js';

/**
 * In the suite a machine that is shared must not break a test: a bound may be missed by as much as the machine itself was
 * late during the run, for each of the two processes that take part, and a little. The figures are judged to the
 * millisecond at full size.
 */
const allowance = (latenessMs: number) => 500 + 2 * latenessMs;

/** Nothing here takes a quarter of it; it is there so that nothing hangs for ever. */
const patienceMs = 120_000;

/**
 * Each fault, in its scaled size, against each of its servers, as a test.
 *
 * The servers of one fault are tried side by side: nearly all of the time is waiting.
 */
export function runAsTests(faults: readonly Fault[], { concurrency = true } = {}): void {
  for (const fault of faults) {
    const { name, about, servers } = fault;
    describe(about, { timeout: patienceMs, concurrency }, () => {
      for (const server of servers) {
        const missing = fault.missing?.() ?? missingServer(server);
        // With its name, which stands alone in the list of what was skipped.
        it(`${name} keeps what is promised, against ${server}`, { skip: missing }, async (t) => {
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
              // What was kept although the machine was busy was kept.
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
