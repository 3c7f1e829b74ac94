import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { KeepAlive, type KeepAliveOptions, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { causeInWords } from '#src/tcp/diagnosis.js';
import { ScriptedTarget, silentTarget } from './scripted-target.js';

async function setUp(t: TestContext, options: KeepAliveOptions) {
  const server = await ZeoServer.listen();
  t.after(() => server.close());
  const storage = await ClientStorage.open({ address: server.address });
  t.after(() => storage.close());
  const databases = new StorageRegistry();
  databases.open('main', storage);
  const agent = new KeepAlive({ level: 'silent', jitter: 0, ...options }, databases, {});
  t.after(() => agent.stop());
  return { server, storage, agent };
}

describe('A listener receives', { timeout: 60_000 }, () => {
  // The agent does not keep the process alive.
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  it('the connection and the server of a ping, and its result', async (t) => {
    const { server, agent } = await setUp(t, { period: 0.05 });
    agent.start();
    const which = { name: 'main', address: server.address, generation: 1 };
    assert.deepEqual(await once(agent, 'pingStarted'), [which]);
    const [{ roundTripMs, ...rest }] = await once(agent, 'pingSucceeded');
    assert.ok(typeof roundTripMs === 'number' && roundTripMs > 0);
    assert.deepEqual(rest, { ...which, evidence: 'answer', verdict: 'alive' });
  });

  it('a failure for a ping whose connection is lost, then the replacement', async (t) => {
    const { server, agent } = await setUp(t, { period: 2, timeout: 10 });
    // The agent's call, not the one that is part of connecting.
    server.once('call', ({ connection }) => connection.destroy());
    agent.start();
    const [failed] = await once(agent, 'pingFailed');
    assert.deepEqual([failed.name, failed.address, failed.generation], ['main', server.address, 1]);
    assert.equal(failed.error.code, 'ERR_ZEO_DISCONNECTED');
    const [replaced] = await once(agent, 'connectionReplaced');
    assert.deepEqual(replaced, {
      name: 'main',
      address: server.address,
      generation: 2,
      previousGeneration: 1,
    });
  });

  it('the time to detect a death, its diagnosis, and the reconnect', async (t) => {
    const { server, storage, agent } = await setUp(t, { period: 0.3, timeout: 0.3 });
    agent.start();
    await once(agent, 'pingSucceeded');
    for (const connection of server.connections) connection.silence();
    const silentAt = performance.now();
    const lastByteAt = storage.lastReceivedAt as number;
    const back = once(agent, 'connectionBack');
    const [died] = await once(agent, 'connectionDied');
    const { error, silentMs, timeToDetectMs, diagnosis, explanation, ...which } = died;
    assert.deepEqual(which, { name: 'main', address: server.address, generation: 1 });
    assert.equal(error.code, 'ERR_KEEPALIVE_TIMEOUT');
    assert.ok(silentMs >= 299 && timeToDetectMs >= silentMs, `${silentMs} ${timeToDetectMs}`);
    // Counted from the last byte, which came before the silence began.
    const sinceMs = performance.now() - lastByteAt;
    assert.ok(timeToDetectMs <= Math.ceil(sinceMs) && timeToDetectMs >= silentAt - lastByteAt);
    assert.ok(error.message.endsWith(explanation));
    assert.equal(diagnosis, process.platform === 'linux' ? 'peer-hangs' : 'unknown');

    const [{ downForMs, ...again }] = await back;
    assert.ok(downForMs >= 0);
    // On Linux the kernel knows that the ping was acknowledged.
    const cause = process.platform === 'linux' ? 'peer-hangs' : 'flow-dropped';
    assert.deepEqual(again, {
      name: 'main',
      address: server.address,
      generation: 2,
      cause,
      explanation: causeInWords[cause],
    });
  });

  it('a time to detect from the ping, if the last byte’s time is unknown', async (t) => {
    const databases = new StorageRegistry();
    const silent = silentTarget();
    silent.lastReceivedAt = undefined;
    databases.open('zeo://joe:s3cret@db', silent);
    const agent = new KeepAlive({ level: 'silent', period: 0.1, timeout: 0.2 }, databases, {});
    t.after(() => agent.stop());
    agent.start();
    const [{ error, silentMs, timeToDetectMs }] = await once(agent, 'connectionDied');
    // Every pending call rejects with this error, so it may end up anywhere.
    assert.match(error.message, /^zeo:\/\/\*\*\*@db sent no byte/);
    // The board counts whole milliseconds.
    assert.ok(timeToDetectMs >= silentMs - 2 && timeToDetectMs < 10_000, `${timeToDetectMs}`);
  });

  it('for how long and why a connection has been down', async (t) => {
    const { server, storage, agent } = await setUp(t, { period: 0.1 });
    agent.start();
    await once(agent, 'pingSucceeded');
    await server.close();
    let event = (await once(agent, 'connectionDown'))[0];
    while (event.cause !== 'refused') [event] = await once(agent, 'connectionDown');
    [event] = await once(agent, 'connectionDown');
    assert.deepEqual([event.name, event.address], ['main', server.address]);
    assert.ok(event.downForMs > 0);
    assert.ok(event.error instanceof Error);
    assert.equal(storage.ready, false);
  });

  it('the downtime since the loss, not since the agent noticed', async (t) => {
    const databases = new StorageRegistry();
    const [lost, hostile, confused] = [new ScriptedTarget(), new ScriptedTarget(), new ScriptedTarget()];
    for (const storage of [lost, hostile, confused]) storage.ready = false;
    lost.lostAt = performance.now() - 90_000;
    // By the wall clock, which is the wrong one.
    confused.lostAt = Date.now();
    Object.defineProperty(hostile, 'lostAt', {
      get: () => {
        throw new Error('getter');
      },
    });
    databases.open('lost', lost);
    databases.open('hostile', hostile);
    databases.open('confused', confused);
    const agent = new KeepAlive({ level: 'silent', jitter: 0, period: 0.1 }, databases, {});
    t.after(() => agent.stop());
    const downForMs = new Map<string, number>();
    agent.on('connectionDown', (event) => downForMs.set(event.name, event.downForMs));
    agent.start();
    while (downForMs.size < 3) await once(agent, 'connectionDown');
    assert.ok((downForMs.get('lost') ?? 0) >= 90_000, `${downForMs.get('lost')}`);
    assert.ok((downForMs.get('hostile') ?? 90_000) < 90_000);
    assert.ok((downForMs.get('confused') ?? -1) >= 0, `${downForMs.get('confused')}`);
  });

  it('how often the worker thread was replaced, and why it ended', async (t) => {
    const created: Worker[] = [];
    const onWorker = (worker: Worker) => created.push(worker);
    process.on('worker', onWorker);
    t.after(() => process.off('worker', onWorker));
    const { agent } = await setUp(t, { period: 0.1 });
    agent.start();
    assert.deepEqual(await once(agent, 'workerStarted'), [{ restarts: 0 }]);
    void created[0]?.terminate();
    const [{ error, retryInMs }] = await once(agent, 'workerLost');
    assert.equal(error.code, 'ERR_KEEPALIVE_WORKER_LOST');
    assert.ok(retryInMs > 0);
    assert.deepEqual(await once(agent, 'workerStarted'), [{ restarts: 1 }]);
  });
});
