import assert from 'node:assert/strict';
import inspector from 'node:inspector';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Timing } from '#src/threads/worker-timing.js';
import { holdProcess, hostOf, periodMs, Threads } from './failing-threads.js';

/** A host whose threads fail in one way, stopped after the test. */
function setUp(
  t: TestContext,
  failure: Threads['next'],
  timing: Partial<Timing> = {},
  ofPeriodMs = periodMs,
) {
  const threads = new Threads();
  threads.next = failure;
  const run = hostOf(threads, timing, ofPeriodMs);
  t.after(async () => {
    await run.host.stop();
    await threads[Symbol.asyncDispose]();
  });
  run.host.start();
  return { ...run, threads };
}

const messageOf = (error: unknown) => String((error as Error).message);

describe('WorkerHost', { timeout: 60_000 }, () => {
  let release: () => void;
  before(() => {
    release = holdProcess();
  });
  after(() => release());

  it('delays each new thread more, up to a period or half a second', async (t) => {
    const { losses, until } = setUp(t, 'there can be no thread', {
      firstRetryMs: 100,
      shortestLastRetryMs: 500,
    });
    await until(() => losses.length === 5);
    assert.deepEqual(
      losses.map(({ retryInMs }) => retryInMs),
      [100, 200, 400, 500, 500],
    );
  });

  it('starts again at once after a thread that was up for a long time', async (t) => {
    const { losses, until, threads } = setUp(t, 'throws at import', { healthyMs: 0 });
    await until(() => losses.length === 3);
    threads.next = 'throws later';
    await until(() => losses.some(({ error }) => messageOf(error.cause) === 'thrown by a timer'));
    const delaysMs = losses.map(({ retryInMs }) => retryInMs);
    assert.deepEqual(delaysMs.slice(0, 3), [1, 2, 4]);
    assert.equal(delaysMs.at(-1), 1);
  });

  it('reports whether a thread could not be started or has ended', async (t) => {
    const { losses, until, threads } = setUp(t, 'throws at import');
    await until(() => losses.length === 1);
    assert.equal(messageOf(losses[0]?.error), 'The keep alive thread could not be started');
    threads.next = 'throws later';
    const knownLosses = losses.length;
    await until(() =>
      losses.slice(knownLosses).some(({ error }) => messageOf(error.cause) === 'thrown by a timer'),
    );
    assert.equal(messageOf(losses.at(-1)?.error), 'The keep alive thread ended');
  });

  it('pings soon after a failed start, not only after another period', async (t) => {
    const hourMs = 3_600_000;
    const { losses, seen, until, threads } = setUp(t, 'throws at import', {}, hourMs);
    await until(() => losses.length === 1);
    threads.next = undefined;
    await until(() => seen.sweeps > 0);
  });

  it('keeps a thread whose sweeps are missing as long as it answers', async (t) => {
    const { host, losses, seen, until } = setUp(t, 'asks for nothing', { latenessMs: 10_000 });
    await until(() => seen.starts === 1);
    for (let i = 0; i < 10; i++) {
      host.suspect();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(losses, []);
  });

  it('replaces a thread that answers but requests no sweep in three periods', async (t) => {
    const { losses, until } = setUp(t, 'asks for nothing', { latenessMs: 50 });
    await until(() => losses.length === 1);
    assert.match(messageOf(losses[0]?.error.cause), /requested no sweep in 3 periods/);
  });

  it('goes on watching a thread that had nothing to ping for a while', async (t) => {
    const { host, losses, until, seen, work } = setUp(t, 'hangs', { latenessMs: 50 });
    work.isThere = false;
    await until(() => seen.starts === 1);
    await new Promise((resolve) => setTimeout(resolve, 5 * periodMs));
    assert.deepEqual(losses, []);
    work.isThere = true;
    host.targetsChanged(new Uint32Array());
    await until(() => losses.length === 1);
  });

  it('warns when a thread has not come up within a period and a second', async (t) => {
    const { losses, waits, until } = setUp(t, 'waits at import', { startMs: 60_000 });
    await until(() => waits.length === 1);
    assert.deepEqual(waits, ['Keep alive thread has not come up in 1.1 s']);
    assert.deepEqual(losses, []);
  });

  it('announces a target that was opened while its thread came up', async (t) => {
    const { host, board, seen, until } = setUp(t, 'comes up late', { startMs: 30_000 });
    // It has read the board.
    await until(() => seen.sweeps > 0);
    assert.equal(seen.starts, 0);
    const id = board.occupy();
    host.targetsChanged(Uint32Array.of(id));
    await until(() => seen.swept.has(id));
    assert.equal(seen.starts, 1);
  });

  it('tells a new thread of sockets that it may have missed', async (t) => {
    const { seen, until, work } = setUp(t, 'asks for nothing');
    work.hasSockets = true;
    await until(() => seen.tableReports === 1);
  });

  it('replaces a thread that hangs although it only watches sockets', async (t) => {
    const { losses, until, work } = setUp(t, 'hangs', { latenessMs: 50 });
    Object.assign(work, { isThere: false, hasSockets: true });
    await until(() => losses.length === 1);
  });

  for (const [failure, what, startMs] of [
    ['hangs', 'answer', 60_000],
    ['waits at import', 'come up', 200],
  ] as const) {
    it(`keeps a thread that does not ${what} while the inspector is open`, async (t) => {
      inspector.open(0);
      t.after(() => inspector.close());
      const { losses, waits, until } = setUp(t, failure, { startMs, answerMs: 200, latenessMs: 50 });
      // A busy machine adds that the thread has not come up yet.
      const kept = () => waits.filter((message) => message.includes('and is not replaced'));
      await until(() => kept().length === 1);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const message = `Keep alive thread does not ${what}, and is not replaced: the inspector is open, so it may be at a breakpoint`;
      assert.deepEqual([losses, kept()], [[], [message]]);
      inspector.close();
      await until(() => losses.length > 0);
    });
  }
});
