import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { findZeo, type ZeoVersion } from '../support/python/environments.js';
import type { Group } from './groups.js';
import { notApplicable, notThroughGuard } from './not-applicable.js';
import { type Encoding, isGuarded, runSuite, type Server, type SuiteEvent } from './suite-run.js';

type Result = Extract<SuiteEvent, { ended: string }>;

/** Defines a test for each of ZEO's tests of a group, against the embedded server. */
export function runGroup(group: Group, encoding: Encoding): void {
  const title = `The embedded server passes ZEO’s own tests with ${encoding}: ${group}`;
  runTests({ title, server: 'embedded', version: '6.2', encoding, group, exceptions: notApplicable });
}

/** Defines a test for those of a group whose ids contain one of the words: ZEO's own server, and a guard in front of it. */
export function runThroughGuard(
  version: ZeoVersion,
  encoding: Encoding,
  group: Group,
  words: readonly string[],
): void {
  const title = `ZEO’s own tests of ${version} with ${encoding} pass through guard: ${group}`;
  runTests({ title, server: 'guard', version, encoding, group, words, exceptions: notThroughGuard });
}

/** The same, with TLS that the guard passes through, for tests with TLS. */
export function runPassedThrough(
  version: ZeoVersion,
  encoding: Encoding,
  group: Group,
  words: readonly string[],
): void {
  const title = `ZEO’s own tests of ${version} with ${encoding} pass with their TLS passed through: ${group}`;
  runTests({ title, server: 'passthrough', version, encoding, group, words, exceptions: {} });
}

interface TestsOptions {
  readonly title: string;
  readonly server: Exclude<Server, 'real'>;
  readonly version: ZeoVersion;
  readonly encoding: Encoding;
  readonly group: Group;
  /** Default: all tests of the group. */
  readonly words?: readonly string[];
  readonly exceptions: Readonly<Record<string, string>>;
}

/** Of all groups of a file: the tests of one may all be over before a ping is due. */
const done = { relayed: 0, pings: 0 };

function runTests({ title, server, version, encoding, group, words = [], exceptions }: TestsOptions): void {
  const { executable, missing } = findZeo(version);
  const run = (words: readonly string[]) =>
    runSuite(executable as string, [server, group, ...words], encoding);
  test(title, { skip: missing ?? false }, async (t) => {
    const left = new Map<string, Result>();
    const events = run(words);
    for await (const event of events) {
      if ('missing' in event) return t.skip(event.missing);
      if (!('started' in event)) continue;
      if (event.started in exceptions) {
        left.set(event.started, await next(events));
      } else {
        await t.test(event.started, async (t) => {
          const result = await next(events);
          done.relayed += result.relayed ?? 0;
          done.pings += result.pings ?? 0;
          if (result.outcome !== 'failed') return assertPassed(result);
          // Some of them wait for two seconds and no longer, which on a busy machine may be too short.
          t.diagnostic(`failed, and is run again: ${result.detail}`);
          for await (const line of run([event.started]))
            if ('ended' in line && line.ended === event.started) assertPassed(line);
        });
      }
    }
    await leavesOutOnly(t, left, exceptions);
    if (isGuarded(server)) await t.test('are relayed, and pinged meanwhile', () => assertRelayed(done));
  });
}

function assertRelayed({ relayed, pings }: { relayed: number; pings: number }): void {
  assert.ok(relayed > 0, 'Expected connections through the guard, found none');
  assert.ok(pings > 0, 'Expected pings that were answered, found none');
}

async function next(events: AsyncGenerator<SuiteEvent, void>): Promise<Result> {
  const { value } = await events.next();
  assert.ok(value !== undefined && 'ended' in value, `Expected the end of the test, received ${value}`);
  return value;
}

function assertPassed({ outcome, detail }: Result): void {
  assert.ok(outcome === 'passed', `The test ${outcome === 'failed' ? 'failed' : 'was skipped'}:\n${detail}`);
}

async function leavesOutOnly(
  t: TestContext,
  left: ReadonlyMap<string, Result>,
  exceptions: Readonly<Record<string, string>>,
): Promise<void> {
  if (left.size === 0) return;
  await t.test('passes none of those that are said not to apply', (t) => {
    for (const [id, { outcome }] of left) {
      assert.notEqual(outcome, 'passed', `${id} passes: it is to be taken out of not-applicable.ts`);
      t.diagnostic(`${id}: ${exceptions[id]}`);
    }
  });
}
