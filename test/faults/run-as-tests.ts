import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fault } from './fault.js';
import { brokenPromises } from './judge.js';
import { missingServer } from './lab-server.js';

/**
 * In the suite a machine that is shared must not break a test: that a silence is found, by whom, and that nobody else is
 * taken for dead is asserted here, and a bound only roughly. The figures are judged to the millisecond at full size.
 */
const allowanceMs = 10_000;

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
    describe(`${about} (${name})`, { timeout: patienceMs, concurrency }, () => {
      for (const server of servers) {
        const missing = fault.missing?.() ?? missingServer(server);
        it(`keeps what is promised, against ${server}`, { skip: missing }, async (t) => {
          const progress = (line: string) => t.diagnostic(line);
          const results = await fault.run({ size: 'scaled', server, progress });
          assert.ok(results.length > 0);
          for (const result of results)
            assert.deepEqual(brokenPromises(result, allowanceMs), [], result.variant);
        });
      }
    });
  }
}
