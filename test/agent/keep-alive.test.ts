import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Worker } from 'node:worker_threads';
import { KeepAlive, KeepAliveError, type KeepAliveOptions, StorageRegistry } from 'zeo-keepalive';
import { LoadLock } from '#src/async/load-lock.js';
import { pingChannel } from '#src/observability/channels.js';
import { MachineLateness } from '../support/machine-lateness.js';
import { captureLog } from './captured-log.js';
import { QueueLock, ScriptedTarget, silentTarget } from './scripted-target.js';

function setUp(t: TestContext, options: KeepAliveOptions, storages: Record<string, object> = {}) {
  const registry = new StorageRegistry();
  for (const [name, storage] of Object.entries(storages)) registry.open(name, storage);
  const log = captureLog();
  const agent = new KeepAlive({ logger: log.logger, jitter: 0, ...options }, registry, {});
  t.after(() => agent.stop());
  return { agent, registry, log };
}

describe('KeepAlive', { timeout: 60_000 }, () => {
  // The agent does not keep the process alive, and most of these tests have nothing else that would.
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  it('takes the lock, pings and releases it, and logs the original’s lines', async (t) => {
    let heldDuringPing: boolean | undefined;
    const lock = new QueueLock();
    const storage = new ScriptedTarget(() => {
      heldDuringPing = lock.held;
    });
    storage.lock = lock;
    const { agent, log } = setUp(t, { period: 0.05 }, { main: storage });
    agent.start();
    await once(agent, 'pingSucceeded');
    assert.equal(heldDuringPing, true);
    assert.equal(lock.held, false);
    assert.deepEqual(
      log.lines.slice(0, 3).map(({ level, subsystem, msg }) => [level, subsystem, msg]),
      [
        [30, 'ZEO KeepAlive', 'Keep alive thread started with period 0.05 s'],
        [25, 'ZEO KeepAlive', 'Sending keep alive for main'],
        [25, 'ZEO KeepAlive', 'Keep alive for main successful'],
      ],
    );
    const [started] = log.lines;
    assert.deepEqual([started?.periodMs, started?.timeoutMs], [50, agent.status().timeoutMs]);
  });

  it('warns about a target that is not ready, and does not ping it', async (t) => {
    const storage = new ScriptedTarget();
    storage.ready = false;
    const { agent, log } = setUp(t, { period: 0.05 }, { main: storage });
    agent.start();
    const line = await log.line(({ msg }) => msg === 'Connection for main is down');
    assert.equal(line.level, 40);
    assert.equal(storage.pings, 0);
  });

  it('releases the lock of a ping that fails, and logs the error', async (t) => {
    const lock = new QueueLock();
    const storage = new ScriptedTarget(() => Promise.reject(new Error('lost')));
    storage.lock = lock;
    const { agent, log } = setUp(t, { period: 0.05 }, { main: storage });
    agent.start();
    const line = await log.line(({ msg }) => msg === 'Keep alive for main failed');
    assert.equal(line.level, 50);
    assert.equal(line.err?.message, 'lost');
    assert.equal(lock.held, false);
  });

  it('reports an error of another realm as an error', async (t) => {
    const error = runInNewContext("Object.assign(new TypeError('lost'), { code: 'E_LOST' })");
    const { agent, log } = setUp(
      t,
      { period: 0.05 },
      { main: new ScriptedTarget(() => Promise.reject(error)) },
    );
    agent.start();
    const line = await log.line(({ msg }) => msg === 'Keep alive for main failed');
    assert.equal(line.err?.message, 'lost');
    const [status] = agent.status().connections;
    assert.deepEqual(status?.lastFailure?.error, { name: 'TypeError', code: 'E_LOST', message: 'lost' });
  });

  it('drops only the connection that was silent for the timeout', async (t) => {
    const lock = new QueueLock();
    const storage = silentTarget();
    storage.lock = lock;
    storage.generation = 7;
    const { agent, log } = setUp(t, { period: 0.1, timeout: 0.2 }, { main: storage });
    agent.start();
    const [{ error }] = await once(agent, 'connectionDied');
    assert.equal(error.code, 'ERR_KEEPALIVE_TIMEOUT');
    assert.deepEqual(
      storage.drops.map(({ generation }) => generation),
      [7],
    );
    assert.equal(lock.held, false);
    const line = await log.line(({ msg }) => msg === 'Keep alive for main failed');
    assert.equal(line.level, 50);
  });

  it('counts no silence while a ping is queued, and frees its lock', async (t) => {
    const outgoing = { writtenBytes: 0, heldBackBytes: 0, isPingQueued: true };
    const storage = Object.assign(silentTarget(), { outgoing, lock: new QueueLock() });
    const { agent, log } = setUp(t, { period: 0.2, timeout: 0.2 }, { main: storage });
    agent.start();
    await log.line(({ msg }) => msg.includes('was not answered in time'));
    assert.equal(storage.lock.held, false);
    assert.deepEqual(storage.drops, []);
    const writtenMs = performance.now();
    outgoing.isPingQueued = false;
    await once(agent, 'connectionDied');
    assert.ok(performance.now() - writtenMs >= 200);
  });

  it('pings the other targets on time while one is silent', async (t) => {
    const well = new ScriptedTarget();
    const { agent } = setUp(t, { period: 0.1, timeout: 5, concurrency: 1 }, { dead: silentTarget(), well });
    agent.start();
    while (well.pings < 5) await once(agent, 'pingSucceeded');
  });

  it('finds a dead connection even if the application keeps the lock', async (t) => {
    const storage = silentTarget();
    await storage.lock.acquire();
    const { agent } = setUp(t, { period: 0.1, timeout: 0.2 }, { main: storage });
    agent.start();
    await once(agent, 'connectionDied');
    assert.equal(storage.drops.length, 1);
  });

  it('survives a target that throws, or whose getters throw', async (t) => {
    const getterThrows = new (class extends ScriptedTarget {})();
    Object.defineProperty(getterThrows, 'ready', {
      get: () => {
        throw new Error('getter');
      },
    });
    const throwsSynchronously = new ScriptedTarget(() => {
      throw new Error('synchronously');
    });
    const nonsense = new ScriptedTarget(() => 42);
    const well = new ScriptedTarget();
    const { agent, log } = setUp(t, { period: 0.05 }, { getterThrows, throwsSynchronously, nonsense, well });
    agent.start();
    const failed = (name: string) => log.line(({ msg }) => msg === `Keep alive for ${name} failed`);
    assert.equal((await failed('getterThrows')).err?.message, 'getter');
    assert.equal((await failed('throwsSynchronously')).err?.message, 'synchronously');
    await log.line(({ msg }) => msg === 'Keep alive for nonsense successful');
    await log.line(({ msg }) => msg === 'Keep alive for well successful');
  });

  it('survives a target whose methods are async although nothing waits for them', async (t) => {
    const probes = Object.assign(new ScriptedTarget(), {
      ensureProbes: async () => {
        throw new Error('probes');
      },
    });
    const listening = Object.assign(new ScriptedTarget(), {
      ready: false,
      once: async () => {
        throw new Error('once');
      },
      off() {},
    });
    const { agent, log } = setUp(t, { period: 0.05 }, { probes, listening });
    agent.start();
    for (const [name, reason] of Object.entries({ probes: 'probes', listening: 'once' })) {
      const line = await log.line(({ err }) => err?.message === reason);
      assert.equal(line.msg, `Exception in connection ${name}`);
    }
    await log.line(({ msg }) => msg === 'Keep alive for probes successful');
  });

  it('goes on after the release of a lock has thrown', async (t) => {
    const storage = silentTarget();
    storage.lock = {
      acquire: async () => () => {
        throw new Error('release');
      },
    };
    const { agent, log } = setUp(t, { period: 0.05, timeout: 0.1 }, { main: storage });
    agent.start();
    const died = once(agent, 'connectionDied');
    const line = await log.line(({ err }) => err?.message === 'release');
    assert.equal(line.msg, 'Exception in connection main');
    await died;
    await once(agent, 'pingStarted');
  });

  it('releases a lock that is granted late, even if the release throws', async (t) => {
    const storage = new ScriptedTarget();
    storage.lock = {
      acquire: async () => {
        // By then the ping has been sent without it, and answered.
        await once(agent, 'pingSucceeded');
        return () => {
          throw new Error('late release');
        };
      },
    };
    const { agent, log } = setUp(t, { period: 0.1, timeout: 0.2 }, { odd: storage });
    agent.start();
    // An unhandled rejection would fail this test.
    await log.line(({ msg }) => msg === 'Exception in connection odd');
    await once(agent, 'pingSucceeded');
  });

  it('leaves no listener on a target when a listener stops the agent', async (t) => {
    const storage = Object.assign(new EventEmitter(), {
      ready: true,
      generation: 1,
      lock: new QueueLock(),
      ping: () => new Promise(() => {}),
      drop() {
        this.generation += 1;
      },
    });
    const { agent } = setUp(t, { period: 0.1, timeout: 0.2 }, { odd: storage });
    const stopped = new Promise((resolve) => agent.on('connectionDied', () => resolve(agent.stop())));
    agent.start();
    await stopped;
    assert.equal(storage.listenerCount('connected'), 0);
  });

  it('removes its listener from a target that is down when it stops', async (t) => {
    const storage = Object.assign(new EventEmitter(), new ScriptedTarget(), { ready: false });
    Object.assign(storage, { ping: async () => {}, drop: () => {} });
    const { agent } = setUp(t, { period: 0.1 }, { odd: storage });
    agent.start();
    await once(agent, 'connectionDown');
    assert.equal(storage.listenerCount('connected'), 1);
    await agent.stop();
    assert.equal(storage.listenerCount('connected'), 0);
  });

  it('does not disturb a target that has lost its connection by itself', async (t) => {
    const storage = silentTarget();
    const { agent } = setUp(t, { period: 0.1, timeout: 0.3 }, { odd: storage });
    agent.on('pingStarted', () => {
      storage.ready = false;
    });
    agent.start();
    await once(agent, 'connectionDown');
    assert.deepEqual(storage.drops, []);
  });

  it('goes on pinging after a listener has thrown', async (t) => {
    const storage = new ScriptedTarget();
    const { agent, log } = setUp(t, { period: 0.05 }, { main: storage });
    agent.on('pingStarted', () => {
      throw new Error('listener');
    });
    agent.on('pingStarted', async () => {
      throw new Error('async listener');
    });
    agent.prependListener('pingStarted', async () => {
      throw new Error('async listener');
    });
    agent.start();
    await log.line(({ err }) => err?.message === 'listener');
    await log.line(({ err }) => err?.message === 'async listener');
    await once(agent, 'pingSucceeded');
  });

  it('calls the remaining listeners after one throws, and `once` only once', async (t) => {
    const { agent } = setUp(t, { period: 0.05 }, { main: new ScriptedTarget() });
    const calls: string[] = [];
    agent.on('pingStarted', () => {
      throw new Error('listener');
    });
    agent.once('pingStarted', function (this: unknown) {
      calls.push(this === agent ? 'once' : 'once, without the agent');
      throw new Error('listener');
    });
    agent.on('pingStarted', () => calls.push('again'));
    agent.start();
    await once(agent, 'pingSucceeded');
    await once(agent, 'pingSucceeded');
    assert.deepEqual(calls.slice(0, 3), ['once', 'again', 'again']);
    assert.equal(agent.listenerCount('pingStarted'), 2);
  });

  it('goes on pinging after the logger has thrown', async (t) => {
    const throws = () => {
      throw new Error('logger');
    };
    const registry = new StorageRegistry();
    registry.open('main', new ScriptedTarget());
    const agent = new KeepAlive(
      { period: 0.05, logger: { debug: throws, info: throws, warn: throws, error: throws } },
      registry,
      {},
    );
    t.after(() => agent.stop());
    agent.start();
    await once(agent, 'pingSucceeded');
  });

  it('pings databases from when they are opened until they are closed', async (t) => {
    const { agent, registry } = setUp(t, { period: 0.05 });
    agent.start();
    await once(agent, 'workerStarted');
    const first = new ScriptedTarget();
    registry.open('first', first);
    await once(agent, 'pingSucceeded');
    await registry.close('first');
    const pings = first.pings;
    const second = registry.open('second', new ScriptedTarget());
    while (second.pings < 3) await once(agent, 'pingSucceeded');
    assert.equal(first.pings, pings);
    assert.deepEqual(
      agent.status().connections.map(({ name }) => name),
      ['second'],
    );
  });

  it('pings databases that are opened while it has no worker thread', async (t) => {
    const created: Worker[] = [];
    const onWorker = (worker: Worker) => created.push(worker);
    process.on('worker', onWorker);
    t.after(() => process.off('worker', onWorker));
    const { agent, registry } = setUp(t, { period: 0.05 });
    agent.start();
    assert.deepEqual([agent.running, agent.workerRunning], [true, false]);
    const early = registry.open('early', new ScriptedTarget());
    await new Promise((resolve) => setImmediate(resolve));
    const later = registry.open('later', new ScriptedTarget());
    while (early.pings < 2 || later.pings < 2) await once(agent, 'pingSucceeded');
    assert.equal(agent.workerRunning, true);
    const lost = once(agent, 'workerLost');
    await created[0]?.terminate();
    await lost;
    assert.deepEqual([agent.running, agent.workerRunning], [true, false]);
    await registry.close('early');
    const meanwhile = registry.open('meanwhile', new ScriptedTarget());
    const { pings } = early;
    while (meanwhile.pings < 2) await once(agent, 'pingSucceeded');
    assert.equal(early.pings, pings);
    await agent.stop();
    assert.deepEqual([agent.running, agent.workerRunning], [false, false]);
  });

  it('releases the lock when a target is removed during its own ping', async (t) => {
    const lock = new QueueLock();
    const storage = silentTarget();
    storage.lock = lock;
    const { agent, registry } = setUp(t, { period: 0.05, timeout: 10 }, { main: storage });
    agent.start();
    await once(agent, 'pingStarted');
    assert.equal(lock.held, true);
    await registry.close('main');
    assert.equal(lock.held, false);
    assert.deepEqual(storage.drops, []);
  });

  it('ignores databases without a server, and finds a database’s storage', async (t) => {
    const storage = new ScriptedTarget();
    const { agent } = setUp(t, { period: 0.05 }, { file: { path: 'Data.fs' }, main: { storage } });
    agent.start();
    await once(agent, 'pingSucceeded');
    assert.deepEqual(
      agent.status().connections.map(({ name, state }) => [name, state]),
      [['main', 'alive']],
    );
  });

  it('releases every lock when it is stopped during a ping, and restarts', async (t) => {
    const lock = new QueueLock();
    const storage = silentTarget();
    storage.lock = lock;
    const { agent } = setUp(t, { period: 0.05, timeout: 10 }, { main: storage });
    agent.start();
    await once(agent, 'pingStarted');
    await agent.stop();
    assert.equal(lock.held, false);
    assert.equal(agent.status().running, false);
    agent.start();
    await once(agent, 'pingStarted');
  });

  it('releases every lock when a listener stops it while pings begin', async (t) => {
    const storages = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, silentTarget()]));
    const { agent } = setUp(t, { period: 0.05, timeout: 10 }, storages);
    const stopped = new Promise<void>((resolve) => {
      let begun = 0;
      agent.on('pingStarted', () => {
        begun += 1;
        if (begun === 3) resolve(agent.stop());
      });
    });
    agent.start();
    await stopped;
    await new Promise(setImmediate);
    for (const storage of Object.values(storages)) {
      assert.equal(storage.pings, 0);
      assert.equal((storage.lock as QueueLock).held, false);
    }
  });

  it('neither locks nor pings a target that a tracing subscriber removes', async (t) => {
    const storage = new ScriptedTarget();
    // A lock that is granted at once.
    const lock = new LoadLock();
    storage.lock = lock;
    const { agent, registry } = setUp(t, { period: 0.05 }, { main: storage, other: new ScriptedTarget() });
    const remove = (context: unknown) => {
      if ((context as { name: string }).name === 'main') void registry.close('main');
    };
    pingChannel.start.subscribe(remove);
    t.after(() => pingChannel.start.unsubscribe(remove));
    agent.start();
    await once(agent, 'pingSucceeded');
    assert.equal(storage.pings, 0);
    assert.equal(lock.locked, false);
  });

  it('begins no ping after a stop, not even one that waited for its slot', async (t) => {
    const storages = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, silentTarget()]));
    const { agent } = setUp(t, { period: 0.05, timeout: 10, concurrency: 4 }, storages);
    agent.start();
    await once(agent, 'pingStarted');
    await agent.stop();
    const pings = () => Object.values(storages).reduce((sum, storage) => sum + storage.pings, 0);
    const before = pings();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(pings(), before);
    for (const storage of Object.values(storages)) assert.equal((storage.lock as QueueLock).held, false);
  });

  it('judges a ping by the connection that it was sent on', async (t) => {
    const storage = silentTarget();
    const release = await storage.lock.acquire();
    const { agent } = setUp(t, { period: 0.1, timeout: 2 }, { main: storage });
    agent.start();
    await once(agent, 'pingStarted');
    storage.generation = 2;
    release();
    await once(agent, 'connectionDied');
    assert.deepEqual(
      storage.drops.map(({ generation }) => generation),
      [2],
    );
  });

  it('does not ping a target that a listener of `pingStarted` removes', async (t) => {
    const storage = new ScriptedTarget();
    const { agent, registry } = setUp(t, { period: 0.05 }, { main: storage, other: new ScriptedTarget() });
    agent.on('pingStarted', ({ name }) => {
      if (name === 'main') void registry.close('main');
    });
    agent.start();
    await once(agent, 'pingSucceeded');
    assert.equal(storage.pings, 0);
  });

  it('starts even if the storage getter of a database throws', async (t) => {
    const broken = {
      get storage() {
        throw new Error('getter');
      },
    };
    const { agent, log } = setUp(t, { period: 0.05 }, { broken, well: new ScriptedTarget() });
    agent.start();
    await log.line(({ msg }) => msg === 'Exception in connection broken');
    await once(agent, 'pingSucceeded');
  });

  it('finds many dead targets within the bound at a low concurrency', async (t) => {
    const storages = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`s${i}`, silentTarget()]));
    const { agent } = setUp(t, { period: 1, timeout: 0.5, concurrency: 1 }, storages);
    const lateness = new MachineLateness();
    t.after(() => lateness.stop());
    agent.start();
    const startedAt = performance.now();
    const dead = new Set<string>();
    await new Promise<void>((resolve) =>
      agent.on('connectionDied', ({ name }) => {
        dead.add(name);
        if (dead.size === 100) resolve();
      }),
    );
    const bound = agent.status().detectionBoundMs ?? 0;
    // If waiting pings were not taken into account, it would take 5 s or more.
    const took = performance.now() - startedAt;
    assert.ok(took < 1.5 * bound + 5 * lateness.totalMs, `${took} ms`);
  });

  it('warns about a misspelt option, and refuses a bad logger or registry', (t) => {
    const { log } = setUp(t, { period: 60, timout: 2 } as KeepAliveOptions);
    assert.match(log.messages()[0] ?? '', /Unknown option timout/);
    const invalid = { code: 'ERR_KEEPALIVE_INVALID_SETTING' };
    assert.throws(() => new KeepAlive({ logger: 5 } as unknown as KeepAliveOptions), invalid);
    assert.throws(() => new KeepAlive({}, new Map() as unknown as StorageRegistry), invalid);
  });

  it('refuses a second start, and does not start without a period', (t) => {
    const { agent } = setUp(t, { period: 60 });
    assert.equal(agent.start(), true);
    assert.throws(
      () => agent.start(),
      (error) =>
        error instanceof KeepAliveError &&
        error.code === 'ERR_KEEPALIVE_ALREADY_STARTED' &&
        error.message === 'KeepAlive thread already started',
    );
    const idle = setUp(t, { period: 0 });
    assert.equal(idle.agent.start(), false);
    assert.match(idle.log.messages()[0] ?? '', /not started/);
  });

  it('is garbage-collected with its targets once it is stopped', async () => {
    const startAndStop = async () => {
      const storage = new ScriptedTarget();
      const registry = new StorageRegistry();
      registry.open('main', storage);
      const agent = new KeepAlive({ period: 0.05, level: 'silent' }, registry, {});
      agent.start();
      await once(agent, 'pingSucceeded');
      await agent.stop();
      return new WeakRef(storage);
    };
    const stopped = [await startAndStop(), await startAndStop(), await startAndStop()];
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    // The last one may still be referenced from a register or a settled promise.
    while (stopped.filter((storage) => storage.deref() !== undefined).length > 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      collectGarbage();
    }
  });

  it('publishes the bound within which a death is detected', (t) => {
    const { agent } = setUp(t, { period: 10, timeout: 2 });
    assert.equal(agent.status().detectionBoundMs, undefined);
    agent.start();
    assert.equal(agent.status().detectionBoundMs, 13_000);
  });

  it('skips a target that received bytes within the period, if so set', async (t) => {
    const storage = new ScriptedTarget();
    const quiet = new ScriptedTarget();
    quiet.lastReceivedAt = performance.now() - 60_000;
    Object.defineProperty(storage, 'lastReceivedAt', { get: () => performance.now() });
    const { agent, log } = setUp(t, { period: 0.05, skipActive: true }, { active: storage, quiet });
    agent.start();
    await log.line(({ msg }) => msg === 'Keep alive for active not needed');
    await log.line(({ msg }) => msg === 'Keep alive for quiet successful');
    assert.equal(storage.pings, 0);
  });

  it('keeps its schedule while the main loop is blocked', async (t) => {
    // The peer is alive and replies; then the main loop is blocked for many periods. A timer of the main thread would be late by
    // all of them. The worker notices, and reports for how long.
    const storage = silentTarget();
    const { agent } = setUp(t, { period: 0.1, timeout: 5 }, { main: storage });
    agent.start();
    await once(agent, 'pingStarted');
    await new Promise((resolve) => setTimeout(resolve, 600));
    const blockedMs = 3000;
    const until = performance.now() + blockedMs;
    while (performance.now() < until);
    const [stall] = await once(agent, 'stalled');
    assert.equal(stall.of, 'loop');
    assert.ok(stall.durationMs > blockedMs / 2, `${stall.durationMs} ms`);
    assert.deepEqual(storage.drops, []);
  });

  it('replaces a terminated worker thread, and releases its pings’ locks', async (t) => {
    const created: Worker[] = [];
    const onWorker = (worker: Worker) => created.push(worker);
    process.on('worker', onWorker);
    t.after(() => process.off('worker', onWorker));
    const lock = new QueueLock();
    const silent = silentTarget();
    silent.lock = lock;
    const { agent, log } = setUp(t, { period: 0.05, timeout: 60 }, { silent, well: new ScriptedTarget() });
    agent.start();
    await once(agent, 'pingSucceeded');
    assert.equal(lock.held, true);
    const lost = once(agent, 'workerLost');
    await created[0]?.terminate();
    await lost;
    assert.equal(lock.held, false);
    assert.equal(agent.status().workerRunning, false);
    const line = await log.line(({ msg }) => msg === 'Exception in keep alive thread');
    assert.equal(line.level, 70);
    await once(agent, 'workerStarted');
    await once(agent, 'pingSucceeded');
    assert.deepEqual(silent.drops, []);
  });
});
