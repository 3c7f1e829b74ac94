import assert from 'node:assert/strict';
import { on } from 'node:events';
import { describe, it } from 'node:test';
import { databases, KeepAliveError, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';

describe('StorageRegistry', () => {
  it('holds the open databases, in a map that shows changes as they happen', async () => {
    const registry = new StorageRegistry();
    const { opened } = registry;
    const database = {};
    assert.equal(registry.open('main', database), database);
    assert.deepEqual([...opened], [['main', database]]);
    assert.equal(await registry.close('main'), true);
    assert.equal(opened.size, 0);
    assert.equal(await registry.close('main'), false);
  });

  it('refuses a name that is taken by another database', () => {
    const registry = new StorageRegistry();
    const database = registry.open('main', {});
    registry.open('main', database);
    assert.throws(
      () => registry.open('main', {}),
      (error) =>
        error instanceof KeepAliveError &&
        error.code === 'ERR_KEEPALIVE_NAME_TAKEN' &&
        /main/.test(error.message),
    );
  });

  it('emits an event when a database is opened or closed', async () => {
    const registry = new StorageRegistry();
    const events: string[] = [];
    registry
      .on('opened', (name) => events.push(`opened ${name}`))
      .on('closed', (name) => events.push(`closed ${name}`));
    registry.open('main', {});
    await registry.close('main');
    assert.deepEqual(events, ['opened main', 'closed main']);
  });

  it('closes the storage of a database that it closes', async () => {
    await using server = await ZeoServer.listen();
    const registry = new StorageRegistry();
    const storage = registry.open('main', await ClientStorage.open(server.address));
    await registry.close('main');
    await assert.rejects(storage.getInfo(), { code: 'ERR_ZEO_CLOSED' });
  });

  it('removes a storage that was closed directly', async () => {
    await using server = await ZeoServer.listen();
    const storage = databases.open('main', await ClientStorage.open(server.address));
    const closing = storage.close();
    assert.equal(databases.opened.size, 0);
    await closing;
  });

  it('reports a failing listener as a process warning, and calls the next', async () => {
    const registry = new StorageRegistry();
    const events: string[] = [];
    const warnings = on(process, 'warning');
    for (const event of ['opened', 'closed'] as const) {
      registry.on(event, () => {
        throw new Error(`thrown by a listener of ${event}`);
      });
      registry.on(event, async () => {
        throw new Error(`rejected by a listener of ${event}`);
      });
      registry.on(event, (name) => events.push(`${event} ${name}`));
    }
    registry.open('main', {});
    assert.equal(await registry.close('main'), true);
    assert.deepEqual(events, ['opened main', 'closed main']);
    const texts: string[] = [];
    for await (const [warning] of warnings) {
      if (warning.name === 'ZeoListenerWarning') texts.push(warning.message);
      if (texts.length === 4) break;
    }
    assert.deepEqual(texts.sort(), [
      'A listener of closed threw: Error: rejected by a listener of closed',
      'A listener of closed threw: Error: thrown by a listener of closed',
      'A listener of opened threw: Error: rejected by a listener of opened',
      'A listener of opened threw: Error: thrown by a listener of opened',
    ]);
  });

  it('removes a database, and its listeners, when its storage is closed', async () => {
    await using server = await ZeoServer.listen();
    const registry = new StorageRegistry();
    const storage = await ClientStorage.open(server.address);
    registry.open('main', { storage });
    const closing = storage.close();
    assert.deepEqual([...registry.opened.keys()], []);
    assert.equal(storage.listenerCount('closed'), 0);
    await closing;
  });

  it('removes a database that is closed, with any kind of emitter', () => {
    const listeners = new Set<() => void>();
    const database = {
      on: (_event: 'closed', listener: () => void) => listeners.add(listener),
      off: (_event: 'closed', listener: () => void) => listeners.delete(listener),
    };
    const registry = new StorageRegistry();
    registry.open('main', database);
    for (const listener of listeners) listener();
    assert.equal(registry.opened.size, 0);
    assert.equal(listeners.size, 0);
  });

  it('accepts a database without an emitter and without a storage', async () => {
    const registry = new StorageRegistry();
    const refuses = () => {
      throw new Error('cannot add a listener');
    };
    registry.open('main', {
      on: refuses,
      off: refuses,
      get storage() {
        return refuses();
      },
    });
    assert.equal(await registry.close('main'), true);
  });
});
