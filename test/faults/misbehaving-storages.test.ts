import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeepAlive, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';
import type { Lock } from '#src/model/target.js';
import { captureLog } from '../agent/captured-log.js';
import { QueueLock, ScriptedTarget, silentTarget } from '../agent/scripted-target.js';
import { until } from '../support/turning-clock.js';

/** A target that does what the interface forbids, or what no peer would do. */
interface Misbehaviour {
  readonly does: string;
  readonly storage: () => ScriptedTarget;
  /** Part of the error of each of its pings, and of the log line for the first. */
  readonly says: string;
}

const periodMs = 100;
const timeoutMs = 200;

const never = () => new Promise<never>(() => {});

function withLock(lock: Partial<Lock>): ScriptedTarget {
  const storage = new ScriptedTarget();
  storage.lock = lock as Lock;
  return storage;
}

function withGetter(name: 'ready' | 'generation' | 'lock' | 'lastReceivedAt'): ScriptedTarget {
  // On the object itself: the class's fields would hide a getter of the prototype.
  return Object.defineProperty(new ScriptedTarget(), name, {
    get() {
      throw new Error(`getter of ${name}`);
    },
  });
}

const misbehaviours: readonly Misbehaviour[] = [
  {
    does: 'throws synchronously from ping instead of rejecting',
    storage: () =>
      new ScriptedTarget(() => {
        throw new Error('at once');
      }),
    says: 'at once',
  },
  {
    does: 'is silent and has an address getter that throws',
    storage: () =>
      Object.defineProperty(silentTarget(), 'address', {
        get() {
          throw new Error('getter of address');
        },
      }),
    says: 'sent no byte',
  },
  {
    does: 'rejects a ping with a value that is not an Error',
    storage: () => new ScriptedTarget(() => Promise.reject(undefined)),
    says: '',
  },
  {
    does: 'never settles a ping and has received nothing since',
    storage: silentTarget,
    says: 'sent no byte',
  },
  {
    does: 'never settles a ping and does not know what it received',
    storage: () => new ScriptedTarget(never),
    says: 'sent no byte',
  },
  {
    does: 'answers a ping after the deadline, when it was dropped',
    storage: () => new ScriptedTarget(() => new Promise((resolve) => setTimeout(resolve, 3 * timeoutMs))),
    says: 'sent no byte',
  },
  {
    does: 'rejects a ping after the deadline, when it was dropped',
    storage: () =>
      new ScriptedTarget(
        () => new Promise((_, reject) => setTimeout(() => reject(new Error('too late')), 3 * timeoutMs)),
      ),
    says: 'sent no byte',
  },
  {
    does: 'is silent and throws from drop when it is found dead',
    storage: () =>
      Object.assign(silentTarget(), {
        drop(): never {
          throw new Error('no drop');
        },
      }),
    says: 'sent no byte',
  },
  {
    does: 'is silent and has an async drop that rejects',
    storage: () => Object.assign(silentTarget(), { drop: () => Promise.reject(new Error('no drop')) }),
    says: 'sent no byte',
  },
  {
    does: 'is silent and has a lock whose release is async and rejects',
    storage: () => {
      const release = () => Promise.reject(new Error('no release'));
      return Object.assign(silentTarget(), { lock: { acquire: async () => release } });
    },
    says: 'sent no byte',
  },
  {
    does: 'answers a ping with a thenable whose then throws',
    storage: () =>
      new ScriptedTarget(() => ({
        // biome-ignore lint/suspicious/noThenProperty: a broken thenable is what is tested
        then() {
          throw new Error('thenable');
        },
      })),
    says: 'thenable',
  },
  ...(['ready', 'generation', 'lock', 'lastReceivedAt'] as const).map((name) => ({
    does: `has a getter for the property ${name} that throws`,
    storage: () => withGetter(name),
    says: `getter of ${name}`,
  })),
  {
    does: 'has a lock that throws instead of rejecting',
    storage: () =>
      withLock({
        acquire() {
          throw new Error('no lock');
        },
      }),
    says: 'no lock',
  },
  {
    does: 'has a lock whose acquire rejects with an error',
    storage: () => withLock({ acquire: () => Promise.reject(new Error('lock refused')) }),
    says: 'lock refused',
  },
  {
    does: 'is silent and has a lock that is never granted',
    storage: () => Object.assign(silentTarget(), { lock: { acquire: never } }),
    says: 'sent no byte',
  },
];

async function setUp(storages: Readonly<Record<string, object>>) {
  const server = await ZeoServer.listen();
  const registry = new StorageRegistry();
  const healthy = await Promise.all(
    ['well-1', 'well-2'].map(async (name) => {
      const storage = await ClientStorage.open(server.address);
      return { name, storage: registry.open(name, storage) };
    }),
  );
  for (const [name, storage] of Object.entries(storages)) registry.open(name, storage);
  const log = captureLog();
  const settings = { period: periodMs / 1000, timeout: timeoutMs / 1000, jitter: 0, logger: log.logger };
  const agent = new KeepAlive(settings, registry, {});
  const answered = new Map<string, number>();
  const failures: { name: string; error: unknown }[] = [];
  agent
    .on('pingFailed', (event) => failures.push(event))
    .on('connectionDied', (event) => failures.push(event));
  agent.on('pingSucceeded', ({ name }) => answered.set(name, (answered.get(name) ?? 0) + 1));
  agent.start();
  return {
    registry,
    log,
    agent,
    /** The errors of its pings, in order; the log only counts the repeated ones. */
    failuresOf: (of: string) => failures.filter(({ name }) => name === of).map(({ error }) => error),
    errorsOf: (name: string) =>
      log.lines.filter(({ level, connection }) => level >= 50 && connection === name),
    /** Waits until each of the real storages has answered this many more pings. */
    async healthyArePinged(times: number): Promise<void> {
      const before = new Map(answered);
      const pinged = ({ name }: { name: string }) =>
        (answered.get(name) ?? 0) >= (before.get(name) ?? 0) + times;
      await until(() => healthy.every(pinged), 20_000, 'the real storages pinged');
    },
    /** Asserts what must hold for the real storages, whatever else is in the registry. */
    assertHealthyUnharmed(): void {
      for (const { name, storage } of healthy) {
        assert.equal(storage.ready, true, name);
        assert.equal(storage.generation, 1, name);
        assert.equal(storage.loadLock.locked, false, name);
      }
      const foreign = log.lines.filter(
        ({ level, connection }) => level >= 50 && connection?.startsWith('well'),
      );
      assert.deepEqual(foreign, []);
      const panics = log.lines.filter(({ level }) => level === 70);
      assert.deepEqual(panics, []);
    },
    async [Symbol.asyncDispose]() {
      await agent.stop();
      await Promise.all(healthy.map(({ storage }) => storage.close()));
      await server.close();
    },
  };
}

describe('a misbehaving storage does no harm to real ones if it', {
  timeout: 120_000,
}, () => {
  for (const { does, storage, says } of misbehaviours) {
    it(does, async () => {
      await using lab = await setUp({ odd: storage() });
      await until(() => lab.failuresOf('odd').length >= 2, 20_000, 'two failures');
      await lab.healthyArePinged(3);
      for (const error of lab.failuresOf('odd')) {
        const message = error instanceof Error ? error.message : '';
        assert.ok(message.includes(says), message);
      }
      const lines = lab.errorsOf('odd').filter(({ msg }) => msg === 'Keep alive for odd failed');
      assert.ok((lines[0]?.err?.message ?? '').includes(says), lines[0]?.err?.message);
      lab.assertHealthyUnharmed();
    });
  }

  it('fails every ping, with one event for each failure', async () => {
    let pings = 0;
    const odd = new ScriptedTarget(() => {
      pings += 1;
      throw new Error(`failure ${pings}`);
    });
    await using lab = await setUp({ odd });
    await until(() => pings >= 5, 20_000, 'five pings');
    await lab.agent.stop();
    assert.deepEqual(
      lab.failuresOf('odd').map((error) => (error as Error).message),
      Array.from({ length: pings }, (_, i) => `failure ${i + 1}`),
    );
    // The log only counts the others.
    assert.deepEqual(
      lab.errorsOf('odd').map(({ err }) => err?.message),
      ['failure 1'],
    );
  });

  it('answers after the deadline, which is not judged twice', async () => {
    const odd = new ScriptedTarget(
      () => new Promise((resolve) => setTimeout(resolve, timeoutMs + 2 * periodMs)),
    );
    await using lab = await setUp({ odd });
    await until(() => odd.drops.length >= 3, 20_000, 'three drops');
    await lab.agent.stop();
    // Each drop is for a different connection, and belongs to one ping.
    const generations = odd.drops.map(({ generation }) => generation);
    assert.equal(new Set(generations).size, generations.length);
    assert.ok(odd.drops.length <= odd.pings);
  });

  it('is removed from the registry during its own ping', async () => {
    const lock = new QueueLock();
    const odd = silentTarget();
    odd.lock = lock;
    await using lab = await setUp({ odd });
    await until(() => odd.pings > 0, 20_000, 'pinged');
    await lab.registry.close('odd');
    assert.equal(lock.held, false);
    await lab.healthyArePinged(5);
    assert.deepEqual(odd.drops, []);
    assert.equal(odd.pings, 1);
    assert.deepEqual(lab.errorsOf('odd'), []);
    lab.assertHealthyUnharmed();
  });

  it('is registered a hundred times, in every way at once', async () => {
    const many = Array.from({ length: 100 }, (_, i) => {
      const misbehaviour = misbehaviours[i % misbehaviours.length] as Misbehaviour;
      return [`odd-${i}`, misbehaviour.storage()] as const;
    });
    await using lab = await setUp(Object.fromEntries(many));
    await lab.healthyArePinged(10);
    lab.assertHealthyUnharmed();
  });
});
