import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { findZeo } from '../support/python/environments.js';
import type { Group } from './groups.js';
import { notApplicable } from './not-applicable.js';
import { type Encoding, runSuite, type SuiteEvent } from './suite-run.js';

type Result = Extract<SuiteEvent, { ended: string }>;

/** Defines a test for each of ZEO's tests of a group, against the embedded server. */
export function runGroup(group: Group, encoding: Encoding): void {
  const { executable, missing } = findZeo('6.2');
  const title = `The embedded server passes ZEO’s own tests with ${encoding}: ${group}`;
  test(title, { skip: missing ?? false }, async (t) => {
    const left = new Map<string, Result>();
    const events = runSuite(executable as string, ['embedded', group], encoding);
    for await (const event of events) {
      if ('missing' in event) return t.skip(event.missing);
      if (!('started' in event)) continue;
      if (event.started in notApplicable) {
        left.set(event.started, await next(events));
      } else {
        await t.test(event.started, async (t) => {
          const result = await next(events);
          if (result.outcome !== 'failed') return assertPassed(result);
          // Some of them wait for two seconds and no longer, which on a busy machine may be too short.
          t.diagnostic(`failed, and is run again: ${result.detail}`);
          const again = runSuite(executable as string, ['embedded', group, event.started], encoding);
          for await (const line of again)
            if ('ended' in line && line.ended === event.started) assertPassed(line);
        });
      }
    }
    await leavesOutOnly(t, left);
  });
}

async function next(events: AsyncGenerator<SuiteEvent, void>): Promise<Result> {
  const { value } = await events.next();
  assert.ok(value !== undefined && 'ended' in value, `Expected the end of the test, received ${value}`);
  return value;
}

function assertPassed({ outcome, detail }: Result): void {
  assert.ok(outcome === 'passed', `The test ${outcome === 'failed' ? 'failed' : 'was skipped'}:\n${detail}`);
}

async function leavesOutOnly(t: TestContext, left: ReadonlyMap<string, Result>): Promise<void> {
  if (left.size === 0) return;
  await t.test('passes none of those that are said not to apply', (t) => {
    for (const [id, { outcome }] of left) {
      assert.notEqual(outcome, 'passed', `${id} passes: it is to be taken out of not-applicable.ts`);
      t.diagnostic(`${id}: ${notApplicable[id]}`);
    }
  });
}
