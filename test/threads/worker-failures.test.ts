import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { after, before, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { type Failure, failures, holdProcess, hostOf, type Loss, Threads } from './failing-threads.js';

const all = Object.keys(failures) as Failure[];
/** The reasons that may be reported for any thread if the machine is busy enough. */
const busy = /did not (come up|answer) within|Thread closed its port/;

type Run = ReturnType<typeof hostOf> & { readonly threads: Threads };

/** Lets one thread after another fail in these ways, and the last one live. */
async function failWith(sequence: readonly Failure[]): Promise<void> {
  await using threads = new Threads();
  const { host, losses, seen, until } = hostOf(threads, { exitMs: 200 });
  const isBusy = ({ error }: Loss) => busy.test(String((error.cause as Error).message));
  try {
    let knownLosses = 0;
    for (const [index, failure] of sequence.entries()) {
      threads.next = failure;
      if (index === 0) host.start();
      const expected = failures[failure];
      await until(() =>
        losses.slice(knownLosses).some(({ error }) => expected.test((error.cause as Error).message)),
      );
      assert.equal(seen.isUp, false, 'the agent knows that no thread is up');
      const others = losses.slice(knownLosses, -1).filter((loss) => !isBusy(loss));
      assert.deepEqual(others, [], `${failure} is one loss`);
      knownLosses = losses.length;
    }
    const sweeps = seen.sweeps;
    threads.next = undefined;
    // Both at once: on a busy machine the thread that swept may have been late, and be replaced.
    await until(() => seen.sweeps > sweeps && seen.isUp);
    for (const [index, { error, retryInMs }] of losses.entries()) {
      assert.equal(error.code, 'ERR_KEEPALIVE_WORKER_LOST');
      // No more than the period of 0.1 s: pings do not wait longer once the cause is gone.
      assert.equal(retryInMs, Math.min(2 ** index, 100));
    }
  } finally {
    await host.stop();
  }
  const unended = sequence.includes('cannot be ended') ? 1 : 0;
  assert.equal(threads.alive.size, unended, 'no thread is left');
}

const limit = { timeout: 120_000 };

describe('A thread that fails', () => {
  let release: () => void;
  before(() => {
    release = holdProcess();
  });
  after(() => release());

  it('is replaced and logged, however it failed, until it can ping again', limit, async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(all, { minLength: 1, maxLength: 4 }), failWith),
      // First all of them, one after the other, and the two that the harness itself ends, or must not.
      {
        examples: [[all], [['cannot be ended', 'is terminated by others']]],
        numRuns: 6,
        endOnFailure: true,
      },
    );
  });

  it('is replaced a thousand times without leaving a port open', limit, async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    await using threads = new Threads();
    const ports: WeakRef<object>[] = [];
    const hook = createHook({
      init: (_id, type, _trigger, resource) => {
        if (type === 'MESSAGEPORT') ports.push(new WeakRef(resource));
      },
    }).enable();
    threads.next = 'there can be no thread';
    const { host, losses, until } = hostOf(threads, { causeMs: 0, longestRetryMs: 0 });
    host.start();
    let attempts = 0;
    await until(() => {
      // The error is not kept: until its stack is read, it refers to everything that was on the stack.
      attempts += losses.splice(0).length;
      return attempts === 1000;
    });
    await host.stop();
    hook.disable();
    const open = () => ports.filter((port) => port.deref() !== undefined).length;
    // Those of piscina, too.
    assert.equal(ports.length, 4000);
    const deadlineMs = performance.now() + 10_000;
    while (open() > 0 && performance.now() < deadlineMs) {
      await new Promise(setImmediate);
      collectGarbage();
    }
    assert.equal(open(), 0);
  });

  it('is not replaced while three ended threads have not exited', limit, async () => {
    await using threads = new Threads();
    const { host, losses, seen, until } = hostOf(threads, { exitMs: 200 });
    threads.next = 'cannot be ended';
    host.start();
    const last = () => String((losses.at(-1)?.error.cause as Error | undefined)?.message);
    await until(() => last() === '3 ended threads have not exited yet');
    const [stuck] = threads.alive;
    assert.ok(stuck);
    assert.equal(threads.alive.size, 3);
    threads.next = undefined;
    await threads.end(stuck);
    await until(() => seen.sweeps > 0);
    await host.stop();
  });

  const phases: [state: string, failure: Failure | undefined, reach: (run: Run) => Promise<void>][] = [
    [
      'starting',
      'waits at import',
      async ({ threads }) => {
        while (threads.alive.size === 0) await new Promise(setImmediate);
      },
    ],
    ['running', undefined, ({ until, seen }) => until(() => seen.sweeps > 0)],
    [
      'suspected',
      'hangs',
      async ({ host, until, seen }) => {
        await until(() => seen.starts === 1);
        host.suspect();
      },
    ],
    ['retrying', 'there can be no thread', ({ until, losses }) => until(() => losses.length === 1)],
  ];
  for (const [state, failure, reach] of phases) {
    it(`is not started again after a stop while it is ${state}`, limit, async () => {
      await using threads = new Threads();
      const run = hostOf(threads, { startMs: 60_000, answerMs: 60_000, firstRetryMs: 50 });
      threads.next = failure;
      run.host.start();
      await reach({ ...run, threads });
      await run.host.stop();
      assert.equal(threads.alive.size, 0);
      threads.next = undefined;
      const knownLosses = run.losses.length;
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(threads.alive.size, 0);
      assert.equal(run.losses.length, knownLosses);
    });
  }
});
