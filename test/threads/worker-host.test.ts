import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { KeepAliveError } from '#src/model/errors.js';
import { Board } from '#src/threads/board.js';
import type { HostApi } from '#src/threads/contract.js';
import { WorkerHost } from '#src/threads/worker-host.js';

interface Loss {
  readonly error: unknown;
  readonly retryInMs: number;
}

/** Nothing calls it: these workers have no loop. */
const api = {} as HostApi;

/** A host for one of the workers of `workers/`, each of which comes to a bad end, and the losses that it tells. */
function hostFor(t: TestContext, worker: string, hasWork = true) {
  const losses: Loss[] = [];
  let starts = 0;
  let wake = () => {};
  const host = new WorkerHost({
    settings: { periodMs: 50, timeoutMs: 50, jitter: 0, concurrency: 128 },
    board: new Board().buffer,
    api,
    hasWork: () => hasWork,
    onStarted: () => {
      starts += 1;
      wake();
    },
    onGone: () => {},
    onLost: (error, retryInMs) => {
      losses.push({ error, retryInMs });
      wake();
    },
    filename: new URL(`./workers/${worker}.js`, import.meta.url),
  });
  t.after(() => host.stop());
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  host.start();
  return { host, losses, until, starts: () => starts };
}

describe('WorkerHost', { timeout: 120_000 }, () => {
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  const deaths: [worker: string, cause: RegExp][] = [
    ['throws-at-once', /thrown by the installation/],
    ['throws-later', /thrown by a timer/],
    // On a busy machine it takes so long that it is found hanging before.
    ['runs-out-of-memory', /memory limit|did not answer/],
    ['hangs', /did not answer/],
  ];
  for (const [worker, cause] of deaths) {
    it(`replaces a worker that ${worker.replaceAll('-', ' ')}, and says what it died of`, async (t) => {
      const { losses, until } = hostFor(t, worker);
      await until(() => losses.length === 2);
      for (const { error } of losses) {
        assert.ok(error instanceof KeepAliveError);
        assert.equal(error.code, 'ERR_KEEPALIVE_WORKER_LOST');
        assert.match(String((error.cause as Error).message), cause);
      }
    });
  }

  it('replaces a worker that exits', async (t) => {
    const { losses, until, starts } = hostFor(t, 'exits');
    await until(() => losses.length === 1);
    assert.ok((losses[0]?.retryInMs ?? Infinity) <= 1000);
    await until(() => starts() === 2);
  });

  it('replaces a worker that keeps dying ever more slowly', async (t) => {
    const { losses, until } = hostFor(t, 'throws-at-once');
    await until(() => losses.length === 4);
    assert.deepEqual(
      losses.map(({ retryInMs }) => retryInMs),
      [100, 200, 400, 800],
    );
  });

  it('leaves a worker alone that answers, although its sweeps do not come', async (t) => {
    const { host, losses, until, starts } = hostFor(t, 'never-sweeps');
    await until(() => starts() === 1);
    for (let i = 0; i < 10; i++) {
      host.suspect();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(losses, []);
  });

  it('may be stopped in the middle of it all', async (t) => {
    const { host, losses, until } = hostFor(t, 'throws-at-once');
    await until(() => losses.length === 1);
    await host.stop();
    const told = losses.length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(losses.length, told);
  });
});
