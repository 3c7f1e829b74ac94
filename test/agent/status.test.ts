import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { type ConnectionStatus, KeepAlive, type KeepAliveOptions, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { ScriptedTarget, silentTarget } from './scripted-target.js';

function setUp(t: TestContext, options: KeepAliveOptions, storages: Record<string, object>) {
  const registry = new StorageRegistry();
  for (const [name, storage] of Object.entries(storages)) registry.open(name, storage);
  const agent = new KeepAlive({ jitter: 0, level: 'silent', ...options }, registry, {});
  t.after(() => agent.stop());
  const status = (name = 'main'): ConnectionStatus =>
    agent.status().connections.find((storage) => storage.name === name) ??
    assert.fail(`No status of ${name}`);
  return { agent, registry, status };
}

async function openReal(t: TestContext) {
  const server = await ZeoServer.listen();
  t.after(() => server.close());
  const storage = await ClientStorage.open({ address: server.address });
  t.after(() => storage.close());
  return { server, storage };
}

describe('status()', { timeout: 60_000 }, () => {
  // The agent does not keep the process alive.
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  it('shows before the first ping what the target knows about itself', async (t) => {
    const { server, storage } = await openReal(t);
    const { agent, status } = setUp(t, { period: 60 }, { main: storage });
    assert.deepEqual(agent.status().connections, []);
    agent.start();
    const { since, ...rest } = status();
    assert.ok(Date.now() - since.getTime() < 60_000);
    assert.deepEqual(rest, {
      name: 'main',
      state: 'new',
      verdict: undefined,
      ready: true,
      generation: 1,
      address: server.address,
      hangTimeoutMs: 5000,
      pings: 0,
      failures: 0,
      roundTrips: undefined,
      lastFailure: undefined,
      lastDeath: undefined,
    });
  });

  it('shows the bound for a server that hangs, by the most patient target', (t) => {
    const patient = Object.assign(new ScriptedTarget(), { hangTimeout: 'long' });
    const own = Object.assign(new ScriptedTarget(), { hangTimeout: 7 });
    const targets = { main: new ScriptedTarget(), patient, own };
    const { agent, registry, status } = setUp(t, { period: 10, timeout: 2 }, targets);
    agent.start();
    assert.equal(agent.status().detectionBoundMs, 13_000);
    assert.equal(agent.status().hangBoundMs, 41_000);
    assert.deepEqual(
      agent.status().connections.map(({ name, hangTimeoutMs }) => [name, hangTimeoutMs]),
      [
        ['main', 2000],
        ['patient', 30_000],
        ['own', 7000],
      ],
    );
    void registry.close('patient');
    assert.equal(agent.status().hangBoundMs, 18_000);
    assert.equal(status('own').hangTimeoutMs, 7000);
  });

  it('has the hang timeout that is set for all targets, unless they have their own', (t) => {
    const patient = Object.assign(new ScriptedTarget(), { hangTimeout: 'long' });
    const targets = { main: new ScriptedTarget(), patient };
    const { agent, status } = setUp(t, { period: 10, timeout: 2, hangTimeout: 4 }, targets);
    agent.start();
    assert.deepEqual([status('main').hangTimeoutMs, status('patient').hangTimeoutMs], [4000, 4000]);
  });

  it('shows the round trips of answered pings, and the time of the state', async (t) => {
    const { storage } = await openReal(t);
    const { agent, status } = setUp(t, { period: 0.05 }, { main: storage });
    agent.start();
    await once(agent, 'pingSucceeded');
    const { since } = status();
    const measured: (number | undefined)[] = [];
    agent.on('pingSucceeded', ({ roundTripMs }) => measured.push(roundTripMs));
    while (measured.length < 3) await once(agent, 'pingSucceeded');
    const { state, verdict, pings, roundTrips, ...rest } = status();
    assert.deepEqual([state, verdict, pings], ['alive', 'alive', 4]);
    assert.deepEqual(rest.since, since);
    assert.ok(roundTrips !== undefined && roundTrips.recentMs.length === 4);
    assert.ok(Math.abs(roundTrips.lastMs - (measured.at(-1) as number)) < 0.001);
    assert.ok(roundTrips.p50Ms <= roundTrips.p99Ms);
  });

  it('has the round trips also where it is copied, cloned, logged or JSON', async (t) => {
    const { agent, status } = setUp(t, { period: 0.05 }, { main: new ScriptedTarget() });
    agent.start();
    await once(agent, 'pingSucceeded');
    const connection = status();
    const { roundTrips } = connection;
    assert.equal(roundTrips?.recentMs.length, 1);
    assert.deepEqual({ ...connection }.roundTrips, roundTrips);
    assert.deepEqual({ ...roundTrips }, roundTrips);
    assert.deepEqual(structuredClone(connection), { ...connection });
    assert.deepEqual(JSON.parse(JSON.stringify(connection)).roundTrips, roundTrips);
    assert.match(inspect(connection), new RegExp(`lastMs: ${roundTrips.lastMs}`));
  });

  it('leaves out the round trips if it is told to', async (t) => {
    const { agent, status } = setUp(t, { period: 0.05 }, { main: new ScriptedTarget() });
    agent.start();
    await once(agent, 'pingSucceeded');
    const { roundTrips, ...rest } = status();
    assert.ok(roundTrips !== undefined);
    const [lean] = agent.status({ roundTrips: false }).connections;
    assert.deepEqual({ ...lean }, { ...rest, roundTrips: undefined });
  });

  it('shows the cause of a death, and when the connection was back', async (t) => {
    const { server, storage } = await openReal(t);
    const { agent, status } = setUp(t, { period: 0.1, timeout: 0.3 }, { main: storage });
    agent.start();
    await once(agent, 'pingSucceeded');
    for (const connection of server.connections) connection.silence();
    const back = once(agent, 'connectionBack');
    const [died] = await once(agent, 'connectionDied');
    const dead = status();
    assert.deepEqual([dead.state, dead.verdict, dead.failures], ['dead', 'dead', 1]);
    assert.equal(dead.lastDeath?.error.code, died.error.code);
    assert.equal(dead.lastFailure?.error.message, died.error.message);
    assert.equal(dead.lastDeath?.silentMs, died.silentMs);
    assert.equal(dead.lastDeath?.diagnosis, died.diagnosis);
    assert.equal(dead.lastDeath?.backAt, undefined);
    await back;
    await once(agent, 'pingSucceeded');
    const { state, verdict, generation, lastDeath } = status();
    assert.deepEqual([state, verdict, generation], ['alive', 'alive', 2]);
    // On Linux the kernel knows that the ping was acknowledged; elsewhere only that the path was open afterwards.
    const [cause, words] =
      process.platform === 'linux'
        ? ['peer-hangs', /process hangs/]
        : ['flow-dropped', /only that connection/];
    assert.equal(lastDeath?.diagnosis, cause);
    assert.match(lastDeath?.explanation ?? '', words as RegExp);
    assert.ok((lastDeath?.backAt?.getTime() ?? 0) >= (lastDeath?.at.getTime() ?? Infinity));
  });

  it('shows a target as busy while the application holds its lock', async (t) => {
    const storage = new ScriptedTarget();
    Object.defineProperty(storage, 'lastReceivedAt', { get: () => performance.now() });
    await storage.lock.acquire();
    const { agent, status } = setUp(t, { period: 0.05, timeout: 0.2 }, { main: storage });
    agent.start();
    await once(agent, 'pingSucceeded');
    const { state, verdict, roundTrips } = status();
    assert.deepEqual([state, verdict, roundTrips], ['alive', 'busy', undefined]);
  });

  it('shows a target as slow that sends other bytes but no reply in time', async (t) => {
    const storage = silentTarget();
    Object.defineProperty(storage, 'lastReceivedAt', { get: () => performance.now() });
    const { agent, status } = setUp(t, { period: 0.3, timeout: 0.1 }, { main: storage });
    agent.start();
    await once(agent, 'pingSucceeded');
    assert.deepEqual([status().state, status().verdict], ['alive', 'slow']);
  });

  it('shows targets that are active, have failed or are down', async (t) => {
    const active = new ScriptedTarget();
    Object.defineProperty(active, 'lastReceivedAt', { get: () => performance.now() });
    const failing = new ScriptedTarget(() => Promise.reject(new Error('lost')));
    const down = new ScriptedTarget();
    down.ready = false;
    const { agent, status } = setUp(t, { period: 0.05, skipActive: true }, { active, failing, down });
    agent.start();
    await once(agent, 'pingFailed');
    if (status('down').state !== 'down') await once(agent, 'connectionDown');
    while (status('active').verdict === undefined) await once(agent, 'pingFailed');
    assert.deepEqual([status('active').state, status('active').verdict], ['alive', 'active']);
    assert.deepEqual([status('failing').state, status('failing').verdict], ['failed', 'failed']);
    const lost = { name: 'Error', code: undefined, message: 'lost' };
    assert.deepEqual(status('failing').lastFailure?.error, lost);
    assert.equal(status('failing').lastDeath, undefined);
    assert.deepEqual(
      [status('down').state, status('down').verdict, status('down').ready],
      ['down', undefined, false],
    );
  });

  it('shows a ping as stalled that a stall has superseded, until the next', async (t) => {
    const storage = silentTarget();
    const { agent, status } = setUp(t, { period: 1.5, timeout: 1.5 }, { main: storage });
    agent.start();
    const verdicts: unknown[] = [];
    agent.on('pingStarted', () => verdicts.push(status().verdict));
    await once(agent, 'pingStarted');
    // On a busy machine the worker may not have run either, and then nothing is pinged again.
    while (!verdicts.includes('stalled')) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const until = performance.now() + 2500;
      while (performance.now() < until);
      await once(agent, 'pingStarted');
    }
  });

  it('can be written as JSON with any error, and has no credentials', async (t) => {
    const error = Object.assign(new Error('Cannot reach zeo://joe:s3cret@db'), { code: 'E_ODD', big: 1n });
    error.cause = error;
    const storage = new ScriptedTarget(() => Promise.reject(error));
    const { agent, status } = setUp(t, { period: 0.05 }, { main: storage });
    agent.start();
    await once(agent, 'pingFailed');
    const { lastFailure } = JSON.parse(JSON.stringify(status()));
    const message = 'Cannot reach zeo://***@db';
    assert.deepEqual(lastFailure.error, { name: 'Error', code: 'E_ODD', message });
  });

  it('leaves out what a getter that throws would return', async (t) => {
    const storage = new ScriptedTarget();
    for (const getter of ['ready', 'generation', 'address']) {
      Object.defineProperty(storage, getter, {
        get: () => {
          throw new Error('getter');
        },
      });
    }
    const { agent, status } = setUp(t, { period: 60 }, { main: storage });
    agent.start();
    const { ready, generation, address } = status();
    assert.deepEqual([ready, generation, address], [false, undefined, undefined]);
  });

  it('forgets the round trips of a target that is closed', async (t) => {
    const { agent, registry, status } = setUp(t, { period: 0.05 }, { main: new ScriptedTarget() });
    agent.start();
    await once(agent, 'pingSucceeded');
    await registry.close('main');
    registry.open('next', new ScriptedTarget());
    assert.equal(status('next').roundTrips, undefined);
  });
});
