import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { ScriptedPeer } from '../storage/scripted-peer.js';

describe('A writable server', () => {
  // ConnectionTests.checkReadOnlyFallbackWritable
  it('is kept by a storage with a fallback, without a further search', async () => {
    await using peer = await ScriptedPeer.listen();
    await using other = await ScriptedPeer.listen({ storage: 'other' });
    const addresses = [peer.address, other.address];
    await using storage = await ClientStorage.open({ addresses, readOnlyFallback: true });
    assert.equal(storage.isReadOnly(), false);
    const { accepted } = other;
    await storage.sync();
    assert.deepEqual([peer.count('register'), other.accepted], [1, accepted]);
  });
});

describe('A read-only server', () => {
  // ReconnectionTests.checkReadOnlyStorage
  it('is rejected by a storage that wants to write', async () => {
    await using peer = await ScriptedPeer.listen({ readOnly: true });
    await assert.rejects(ClientStorage.open(peer.address), { code: 'ERR_ZEO_READ_ONLY' });
    assert.equal(peer.accepted, 1);
  });

  // ConnectionTests.checkReadOnlyServer; ReconnectionTests.checkReconnectReadOnly
  it('serves a storage that is opened read-only', async () => {
    await using peer = await ScriptedPeer.listen({ readOnly: true });
    await using storage = await ClientStorage.open({ address: peer.address, readOnly: true });
    assert.equal(storage.isReadOnly(), true);
    assert.equal(peer.count('register'), 1);
  });

  // ConnectionTests.checkReadOnlyFallbackReadOnlyServer
  // ReconnectionTests.checkReadOnlyFallbackReadOnlyStorage, checkReconnectFallback
  it('serves a storage as a fallback, on the same connection', async () => {
    await using peer = await ScriptedPeer.listen({ readOnly: true });
    await using storage = await ClientStorage.open({ address: peer.address, readOnlyFallback: true });
    assert.equal(storage.isReadOnly(), true);
    assert.deepEqual(
      peer.calls.slice(0, 2).map(({ method, args }) => [method, ...args]),
      [
        ['register', '1', false],
        ['register', '1', true],
      ],
    );
    assert.equal(peer.accepted, 1);
  });

  // ReconnectionTests.checkReconnectUpgrade, checkReconnectSwitch
  it('is replaced by a writable one as soon as there is one', async () => {
    await using fallback = await ScriptedPeer.listen({ readOnly: true });
    await using writable = await ScriptedPeer.listen({ readOnly: true });
    await using storage = await ClientStorage.open({
      addresses: [fallback.address, writable.address],
      readOnlyFallback: true,
      reconnectMinDelay: 0.01,
      reconnectMaxDelay: 0.02,
    });
    const [better, current] =
      storage.address === fallback.address ? [writable, fallback] : [fallback, writable];
    let retries = 0;
    storage.on('reconnecting', () => {
      retries += 1;
    });
    const disconnected = once(storage, 'disconnected');
    better.readOnly = false;
    const [{ address, generation, readOnly }] = await once(storage, 'connected');
    assert.deepEqual([address, generation, readOnly], [better.address, 2, false]);
    assert.equal(storage.isReadOnly(), false);
    assert.equal((await disconnected)[0].generation, 1);
    await storage.ping();
    assert.equal(retries, 0);
    assert.equal(current.accepted >= 1, true);
  });

  it('is replaced by a writable one even if others were lost at once', async () => {
    await using fallback = await ScriptedPeer.listen({ readOnly: true });
    await using better = await ScriptedPeer.listen({ readOnly: true });
    await using storage = await ClientStorage.open({
      addresses: [fallback.address, better.address],
      readOnlyFallback: true,
      reconnectMinDelay: 0.01,
      reconnectMaxDelay: 0.02,
    });
    const [writable, current] = storage.address === better.address ? [fallback, better] : [better, fallback];
    const info = writable.handlers.get_info;
    let lost = 0;
    writable.handlers.get_info = (args, from) => {
      lost += 1;
      if (lost === 3) writable.handlers.get_info = info as NonNullable<typeof info>;
      // In one chunk with the reply, a message for which the client must end the connection.
      from.socket.cork();
      process.nextTick(() => {
        from.socket.write(from.session.encodeOneWay('nonsense', []));
        from.socket.uncork();
      });
      return info?.(args, from) ?? null;
    };
    writable.readOnly = false;
    const [{ address, generation }] = await once(storage, 'connected');
    assert.deepEqual([address, generation, lost], [writable.address, 2, 3]);
    assert.equal(current.accepted, 1);
  });

  it('is searched for again if lost while a writable one is sought', async () => {
    await using one = await ScriptedPeer.listen({ readOnly: true });
    await using two = await ScriptedPeer.listen({ readOnly: true });
    await using storage = await ClientStorage.open({
      addresses: [one.address, two.address],
      readOnlyFallback: true,
      reconnectMaxDelay: 0.5,
    });
    (storage.address === one.address ? one : two).cut();
    await once(storage, 'connected');
    assert.equal(storage.generation, 2);
    assert.equal(storage.isReadOnly(), true);
  });
});
