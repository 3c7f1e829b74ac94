import assert from 'node:assert/strict';
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
});
