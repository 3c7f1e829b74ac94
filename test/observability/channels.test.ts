import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { channels, KeepAlive, type PingTraceContext, pingChannel, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { Prober } from '#src/agent/prober.js';
import { Reporter } from '#src/agent/report/reporter.js';
import { resolveSettings } from '#src/agent/settings.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { ScriptedTarget, silentTarget, trackedBy } from '../agent/scripted-target.js';

const steps = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

/** Records what the tracing channel publishes, with the state of the context at that moment. */
function record(t: TestContext) {
  const published: [step: string, context: PingTraceContext][] = [];
  const contexts: PingTraceContext[] = [];
  const listeners = Object.fromEntries(
    steps.map((step) => [
      step,
      (context: PingTraceContext) => {
        published.push([step, { ...context }]);
        contexts.push(context);
      },
    ]),
  ) as never;
  const channel = tracingChannel<unknown, PingTraceContext>('zeo-keepalive:ping');
  channel.subscribe(listeners);
  t.after(() => channel.unsubscribe(listeners));
  return { published, contexts, names: () => published.map(([step]) => step) };
}

function keepAlive(t: TestContext, storage: object, timeout = 5) {
  const databases = new StorageRegistry();
  databases.open('main', storage);
  const agent = new KeepAlive({ period: 0.1, timeout, jitter: 0, level: 'silent' }, databases, {});
  t.after(() => agent.stop());
  return agent;
}

async function openReal(t: TestContext) {
  const server = await ZeoServer.listen();
  t.after(() => server.close());
  const storage = await ClientStorage.open({ address: server.address });
  t.after(() => storage.close());
  return { server, storage };
}

describe('The channel zeo-keepalive:ping', { timeout: 60_000 }, () => {
  // The agent does not keep the process alive.
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  it('traces a ping from its start to its reply, in one context', async (t) => {
    const { server, storage } = await openReal(t);
    const { published, contexts, names } = record(t);
    const agent = keepAlive(t, storage);
    agent.start();
    await once(agent, 'pingSucceeded');
    await agent.stop();
    assert.deepEqual(names(), ['start', 'end', 'asyncStart', 'asyncEnd']);
    assert.equal(new Set(contexts).size, 1);
    const which = { name: 'main', address: server.address, generation: 1 };
    const open = { ...which, verdict: undefined, roundTripMs: undefined };
    assert.deepEqual(published[0]?.[1], open);
    assert.deepEqual(published[1]?.[1], open, 'there is no verdict before the ping is sent');
    const { roundTripMs, ...rest } = published[3]?.[1] ?? assert.fail();
    assert.ok((roundTripMs ?? 0) > 0);
    assert.deepEqual(rest, { ...which, verdict: 'alive' });
  });

  it('traces the error of a ping that fails, even synchronously', async (t) => {
    const { published, names } = record(t);
    const error = new Error('lost');
    let isAtOnce = false;
    const storage = new ScriptedTarget(() => {
      if (isAtOnce) throw error;
      return Promise.reject(error);
    });
    const agent = keepAlive(t, storage);
    agent.start();
    await once(agent, 'pingFailed');
    assert.deepEqual(names(), ['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    assert.deepEqual([published[2]?.[1].error, published[4]?.[1].verdict], [error, 'failed']);
    isAtOnce = true;
    published.length = 0;
    // The ping ends before `start` returns, so its result is published from within.
    await once(agent, 'pingFailed');
    await agent.stop();
    assert.deepEqual(names().sort(), ['asyncEnd', 'asyncStart', 'end', 'error', 'start']);
    assert.equal(published[0]?.[0], 'start');
  });

  it('traces a death, and a ping that was abandoned', async (t) => {
    const { published } = record(t);
    const agent = keepAlive(t, silentTarget(), 0.2);
    agent.start();
    const [{ error }] = await once(agent, 'connectionDied');
    const ends = () => published.filter(([step]) => step === 'asyncEnd').map(([, context]) => context);
    // On a busy machine others have ended as `stalled`.
    const dead = ends().filter(({ verdict }) => verdict === 'dead');
    assert.deepEqual(
      dead.map((context) => context.error),
      [error],
    );
    await once(agent, 'pingStarted');
    await agent.stop();
    assert.deepEqual([ends().at(-1)?.verdict, ends().at(-1)?.error], ['abandoned', undefined]);
  });

  it('carries a bound store into all that the target does for the ping', async (t) => {
    const spans = new AsyncLocalStorage<string>();
    pingChannel.start.bindStore(spans, ({ name }) => `span of ${name}`);
    t.after(() => pingChannel.start.unbindStore(spans));
    let seen: string | undefined;
    const storage = new ScriptedTarget(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      seen = spans.getStore();
    });
    // The lock is granted later, so the ping is sent from a continuation.
    const release = await storage.lock.acquire();
    const agent = keepAlive(t, storage);
    agent.once('pingStarted', () => setTimeout(release, 10));
    agent.start();
    await once(agent, 'pingSucceeded');
    assert.equal(seen, 'span of main');
  });

  it('costs no context or event while nobody subscribes or listens', async (t) => {
    const { settings } = resolveSettings({ period: 10 }, {});
    assert.ok(settings);
    const board = new Board();
    const tracked = trackedBy(board, 'main', new ScriptedTarget());
    const identity = t.mock.method(tracked, 'identity');
    const prober = new Prober({
      settings,
      board,
      reporter: new Reporter(createLog({ level: 'silent' }), new EventEmitter()),
      targets: new Map([[tracked.id, tracked]]),
    });
    const ping = () =>
      new Promise<void>((resolve) => {
        prober.begin(tracked.id, resolve);
      });
    await ping();
    assert.deepEqual([tracked.verdict, identity.mock.callCount()], ['alive', 0]);
    const onEnd = () => {};
    pingChannel.asyncEnd.subscribe(onEnd);
    t.after(() => pingChannel.asyncEnd.unsubscribe(onEnd));
    await ping();
    assert.equal(identity.mock.callCount(), 1);
  });
});

describe('The channels of the other events', { timeout: 60_000 }, () => {
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  it('publish the objects that the agent emits as events', async (t) => {
    const created: Worker[] = [];
    const onWorker = (worker: Worker) => created.push(worker);
    process.on('worker', onWorker);
    t.after(() => process.off('worker', onWorker));
    const { server, storage } = await openReal(t);
    const agent = keepAlive(t, storage, 0.3);
    const published: [channel: string | symbol, message: unknown][] = [];
    const emitted: unknown[] = [];
    const onMessage = (message: unknown, channel: string | symbol) => published.push([channel, message]);
    for (const [event, { name }] of Object.entries(channels)) {
      subscribe(name, onMessage);
      t.after(() => unsubscribe(name, onMessage));
      agent.on(event as 'stalled', (message) => emitted.push(message));
    }

    agent.start();
    await once(agent, 'pingSucceeded');
    for (const connection of server.connections) connection.silence();
    await once(agent, 'connectionDied');
    await once(agent, 'pingSucceeded');
    const down = once(agent, 'connectionDown');
    await server.close();
    await down;
    void created[0]?.terminate();
    await once(agent, 'workerStarted');
    await agent.stop();

    assert.deepEqual(
      published.map(([, message]) => message),
      emitted,
    );
    const names = new Set(published.map(([name]) => name));
    for (const kind of ['died', 'back', 'down'])
      assert.ok(names.has(`zeo-keepalive:connection-${kind}`), kind);
    for (const kind of ['started', 'lost']) assert.ok(names.has(`zeo-keepalive:worker-${kind}`), kind);
  });
});
