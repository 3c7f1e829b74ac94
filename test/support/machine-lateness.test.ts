import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { unlessTooBusy } from './machine-lateness.js';

/** Runs a test that fails on a machine that was this late meanwhile, and returns why it was skipped. */
async function skipOfFailure(totalMs: number): Promise<string | undefined> {
  let reason: string | undefined;
  const context: Pick<TestContext, 'diagnostic' | 'skip'> = {
    diagnostic() {},
    skip(message) {
      reason = message;
    },
  };
  const lateness = { totalMs, allowanceMs: 0, stop: async () => {} };
  const failing = () => Promise.reject(new Error('too late'));
  await unlessTooBusy(context as TestContext, failing, lateness);
  return reason;
}

describe('a test of promises about time', () => {
  it('is skipped with the reason if it fails on a machine that was too busy', async () => {
    assert.match((await skipOfFailure(1500)) ?? '', /^the machine was too busy: /);
  });

  it('fails on a machine that was not too busy for it', async () => {
    await assert.rejects(skipOfFailure(300), { message: 'too late' });
  });
});
