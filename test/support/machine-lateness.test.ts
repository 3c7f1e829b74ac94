import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type BusyMachine, unlessTooBusy } from './machine-lateness.js';

/** Runs a test on a machine that was this late meanwhile, and returns why it was skipped. */
async function skipOf(
  totalMs: number,
  body: (machine: BusyMachine) => Promise<void>,
): Promise<string | undefined> {
  let reason: string | undefined;
  const context: Pick<TestContext, 'diagnostic' | 'skip'> = {
    diagnostic() {},
    skip(message) {
      reason = message;
    },
  };
  const lateness = { totalMs, allowanceMs: 0, stop: async () => {} };
  await unlessTooBusy(context as TestContext, body, lateness);
  return reason;
}

const missing = async (machine: BusyMachine) => machine.inTime(() => assert.fail('too late'));
const failing = async () => assert.fail('wrong');

describe('a test of promises about time', () => {
  it('is skipped with the reason if it missed a time on a machine that was too busy', async () => {
    assert.match((await skipOf(1500, missing)) ?? '', /^the machine was too busy: /);
  });

  it('fails if it missed a time on a machine that was not too busy for it', async () => {
    await assert.rejects(skipOf(300, missing), { message: 'too late' });
  });

  it('fails for any other error, however busy the machine was', async () => {
    await assert.rejects(skipOf(60_000, failing), { message: 'wrong' });
  });

  it('fails for what is wrong after a time that was missed', async () => {
    const wrong = async (machine: BusyMachine) => {
      await missing(machine);
      await failing();
    };
    await assert.rejects(skipOf(60_000, wrong), { message: 'wrong' });
  });

  it('passes on a machine that was too busy if it missed nothing', async () => {
    assert.equal(await skipOf(60_000, async (machine) => machine.inTime(() => {})), undefined);
  });
});
