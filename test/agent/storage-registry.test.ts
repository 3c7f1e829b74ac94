import assert from 'node:assert/strict';
import { on } from 'node:events';
import { describe, it } from 'node:test';
import { databases, KeepAliveError, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';

describe('StorageRegistry', () => {
  it('holds what is open, in a map that shows changes as they happen', async () => {
    const registry = new StorageRegistry();
    const { opened } = registry;
    const database = {};
    assert.equal(registry.open('main', database), database);
    assert.deepEqual([...opened], [['main', database]]);
    assert.equal(await registry.close('main'), true);
    assert.equal(opened.size, 0);
    assert.equal(await registry.close('main'), false);
  });

  it('refuses a name that is taken, and takes the same database twice as once', () => {
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

  it('tells what is opened and closed', async () => {
    const registry = new StorageRegistry();
    const told: string[] = [];
    registry
      .on('opened', (name) => told.push(`opened ${name}`))
      .on('closed', (name) => told.push(`closed ${name}`));
    registry.open('main', {});
    await registry.close('main');
    assert.deepEqual(told, ['opened main', 'closed main']);
  });

  it('closes the storage that it is told to close', async () => {
    await using server = await ZeoServer.listen();
    const registry = new StorageRegistry();
    const storage = registry.open('main', await ClientStorage.open(server.address));
    await registry.close('main');
    await assert.rejects(storage.getInfo(), { code: 'ERR_ZEO_CLOSED' });
  });

  it('lets go of a storage that was closed by itself', async () => {
    await using server = await ZeoServer.listen();
    const storage = databases.open('main', await ClientStorage.open(server.address));
    const closing = storage.close();
    assert.equal(databases.opened.size, 0);
    await closing;
  });

  it('calls the next listener when one throws or rejects, and reports it as a process warning', async () => {
    const registry = new StorageRegistry();
    const told: string[] = [];
    const warnings = on(process, 'warning');
    for (const event of ['opened', 'closed'] as const) {
      registry.on(event, () => {
        throw new Error(`thrown by a listener of ${event}`);
      });
      registry.on(event, async () => {
        throw new Error(`rejected by a listener of ${event}`);
      });
      registry.on(event, (name) => told.push(`${event} ${name}`));
    }
    registry.open('main', {});
    assert.equal(await registry.close('main'), true);
    assert.deepEqual(told, ['opened main', 'closed main']);
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

  it('lets go of a database whose storage was closed by itself, and listens to it no longer', async () => {
    await using server = await ZeoServer.listen();
    const registry = new StorageRegistry();
    const storage = await ClientStorage.open(server.address);
    registry.open('main', { storage });
    const closing = storage.close();
    assert.deepEqual([...registry.opened.keys()], []);
    assert.equal(storage.listenerCount('closed'), 0);
    await closing;
  });

  it('lets go of a database that tells its end by an emitter of another library', () => {
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

  it('takes a database that cannot be listened to, nor asked for its storage', async () => {
    const registry = new StorageRegistry();
    const refuses = () => {
      throw new Error('not an emitter after all');
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
