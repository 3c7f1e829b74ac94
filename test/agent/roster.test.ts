import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { StorageRegistry } from 'zeo-keepalive';
import { Roster } from '#src/agent/roster.js';
import type { ConnectionOpened } from '#src/model/connection-source.js';
import { Board } from '#src/threads/board.js';
import { ScriptedTarget } from './scripted-target.js';

function setUp(
  t: TestContext,
  onUnusable = (_name: string, error: unknown): unknown => assert.fail(error as Error),
) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const registry = new StorageRegistry();
  const board = new Board();
  const notices: number[][] = [];
  const removed: string[] = [];
  const unpingable: string[] = [];
  const roster = new Roster({
    registry,
    board,
    settings: { timeoutMs: 1000, hangTimeoutMs: undefined },
    onUnusable: (name, error) => void onUnusable(name, error),
    onUnpingable: (name) => unpingable.push(name),
    onReleaseFailed: (_tracked, error) => assert.fail(error as Error),
    onRemoved: ({ name }) => removed.push(name),
    onChanged: (ids) => notices.push([...ids]),
  });
  t.after(() => roster.end());
  const storages = () => [...roster.targets.values()].map(({ name, target }) => [name, target] as const);
  return {
    registry,
    board,
    roster,
    notices,
    removed,
    unpingable,
    storages,
    pass: (ms: number) => t.mock.timers.tick(ms),
  };
}

describe('The roster of an agent', () => {
  it('has the targets that are open when it begins, and follows changes', async (t) => {
    const { registry, board, roster, removed, storages } = setUp(t);
    const first = registry.open('first', new ScriptedTarget());
    registry.open('file', { path: 'Data.fs' });
    roster.begin();
    const second = new ScriptedTarget();
    registry.open('second', { storage: second });
    assert.deepEqual(storages(), [
      ['first', first],
      ['second', second],
    ]);
    await registry.close('first');
    await registry.close('file');
    assert.deepEqual(storages(), [['second', second]]);
    assert.deepEqual(removed, ['first']);
    assert.deepEqual(board.occupied(), [...roster.targets.keys()]);
  });

  it('has each connection of a source as a target of its own, by its number', async (t) => {
    const { registry, board, roster, removed, storages } = setUp(t);
    let add: ConnectionOpened = () => assert.fail('nobody watches');
    let isWatched = false;
    const [first, second, third] = [new ScriptedTarget(), new ScriptedTarget(), new ScriptedTarget()];
    registry.open('orders', {
      watchConnections(opened: ConnectionOpened) {
        isWatched = true;
        add = opened;
        opened(first, 1);
        return () => {
          isWatched = false;
        };
      },
    });
    roster.begin();
    const endSecond = add(second, 2);
    add(third, 3);
    endSecond();
    assert.deepEqual(storages(), [
      ['orders/1', first],
      ['orders/3', third],
    ]);
    assert.deepEqual(removed, ['orders/2']);
    await registry.close('orders');
    assert.deepEqual([storages(), removed, isWatched], [[], ['orders/2', 'orders/1', 'orders/3'], false]);
    assert.deepEqual(board.occupied(), []);
  });

  it('removes what a source has opened although that cannot end its watch, or begin it', async (t) => {
    const unusable: unknown[] = [];
    const { registry, board, roster, removed, storages } = setUp(t, (name, error) =>
      unusable.push(`${name}: ${(error as Error).message}`),
    );
    roster.begin();
    const watchers: ConnectionOpened[] = [];
    registry.open('orders', {
      watchConnections(opened: ConnectionOpened) {
        watchers.push(opened);
        opened(new ScriptedTarget(), 1);
        return () => {
          throw new Error('end');
        };
      },
    });
    assert.equal(storages().length, 1);
    await registry.close('orders');
    registry.open('cache', {
      watchConnections(opened: ConnectionOpened) {
        watchers.push(opened);
        opened(new ScriptedTarget(), 1);
        throw new Error('begin');
      },
    });
    // They go on.
    for (const opened of watchers) opened(new ScriptedTarget(), 2)();
    assert.deepEqual([storages(), removed], [[], ['orders/1', 'cache/1']]);
    assert.deepEqual(unusable, ['orders: end', 'cache: begin']);
    assert.deepEqual(board.occupied(), []);
  });

  it('ends its watch of a source when it ends', (t) => {
    const { registry, roster } = setUp(t);
    let watches = 0;
    registry.open('orders', {
      watchConnections() {
        watches += 1;
        return () => {
          watches -= 1;
        };
      },
    });
    roster.begin();
    assert.equal(watches, 1);
    roster.end();
    assert.equal(watches, 0);
  });

  it('tells of a database that has nothing to ping, such as a pool without its adapter', (t) => {
    const { registry, roster, storages, unpingable } = setUp(t);
    registry.open('orders', { connect() {}, query() {} });
    roster.begin();
    registry.open('main', { storage: new ScriptedTarget() });
    registry.open('file', { storage: {} });
    assert.deepEqual(unpingable, ['orders', 'file']);
    assert.deepEqual(
      storages().map(([name]) => name),
      ['main'],
    );
  });

  it('refuses a target whose hang timeout is not a number of seconds', (t) => {
    const unusable: unknown[] = [];
    const { registry, roster, storages } = setUp(t, (_name, error) => unusable.push(error));
    roster.begin();
    registry.open('main', Object.assign(new ScriptedTarget(), { hangTimeout: 'soon' }));
    assert.deepEqual(storages(), []);
    assert.match(String(unusable), /Option hangTimeout: expected a number of seconds .*; received "soon"/);
  });

  it('adds a target even if an earlier listener of the registry throws', (t) => {
    const { registry, roster, storages } = setUp(t);
    registry.on('opened', () => {
      throw new Error('of a listener');
    });
    roster.begin();
    const main = registry.open('main', new ScriptedTarget());
    assert.deepEqual(storages(), [['main', main]]);
  });

  it('matches the registry, whatever earlier listeners open and close', async (t) => {
    const { registry, board, roster, storages } = setUp(t);
    const successor = new ScriptedTarget();
    registry.on('opened', (name) => {
      if (name === 'unwanted') void registry.close(name);
    });
    registry.on('closed', (name) => {
      if (name === 'replaced') registry.open(name, successor);
    });
    roster.begin();
    registry.open('unwanted', new ScriptedTarget());
    assert.deepEqual(storages(), []);
    registry.open('replaced', new ScriptedTarget());
    await registry.close('replaced');
    assert.deepEqual(storages(), [['replaced', successor]]);
    assert.equal(board.occupied().length, 1);
  });

  it('reports slots that change within 10 ms together, each of them once', async (t) => {
    const { registry, roster, notices, pass } = setUp(t);
    registry.open('first', new ScriptedTarget());
    roster.begin();
    pass(5);
    registry.open('second', new ScriptedTarget());
    await registry.close('first');
    // It takes over the slot of the first.
    registry.open('third', new ScriptedTarget());
    pass(4);
    assert.deepEqual(notices, []);
    pass(1);
    assert.deepEqual(notices, [[0, 1]]);
    await registry.close('second');
    pass(10);
    assert.deepEqual(notices, [[0, 1], [1]]);
    pass(1000);
    assert.equal(notices.length, 2);
  });

  it('neither adds nor reports anything after it is ended within an event', (t) => {
    const { registry, roster, notices, storages, pass } = setUp(t);
    registry.open('early', new ScriptedTarget());
    registry.on('opened', () => roster.end());
    roster.begin();
    registry.open('late', new ScriptedTarget());
    assert.deepEqual(
      storages().map(([name]) => name),
      ['early'],
    );
    assert.equal(registry.listenerCount('closed'), 0);
    pass(1000);
    assert.deepEqual(notices, []);
  });
});
