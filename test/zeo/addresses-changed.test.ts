import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ClientStorage } from '../../src/zeo/client-storage.js';
import { id, ScriptedPeer } from './scripted-peer.js';

const quick = { reconnectMinDelay: 0.01, reconnectMaxDelay: 0.02 };

// ZEO/tests/new_addr.test
describe('A storage whose addresses are changed', () => {
  it('keeps its connection, and goes elsewhere when it loses it', async () => {
    const former = await ScriptedPeer.listen();
    await using next = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: former.address, ...quick });
    const name = storage.getName();
    storage.setAddresses(next.address);
    await storage.ping();
    assert.equal(storage.address, former.address);
    former.cut();
    await once(storage, 'connected');
    assert.deepEqual([storage.address, storage.getName()], [next.address, name]);
    assert.equal(former.accepted, 1);
    await former.close();
  });

  it('looks there at once while it looks for a server', async () => {
    const former = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: former.address, reconnectMaxDelay: 600 });
    await former.close();
    while (storage.lastError?.message.includes('ECONNREFUSED') !== true) await once(storage, 'reconnecting');
    await using next = await ScriptedPeer.listen();
    storage.setAddresses([next.address]);
    await once(storage, 'connected');
    assert.equal(storage.address, next.address);
  });

  it('looks there for a writable server while a read-only one serves it', async () => {
    await using fallback = await ScriptedPeer.listen({ readOnly: true });
    await using writable = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({
      address: fallback.address,
      readOnlyFallback: true,
      ...quick,
    });
    assert.equal(storage.isReadOnly(), true);
    storage.setAddresses([fallback.address, writable.address]);
    await once(storage, 'connected');
    assert.deepEqual([storage.address, storage.isReadOnly()], [writable.address, false]);
  });

  it('stays as it is when they cannot be understood', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: peer.address, ...quick });
    assert.throws(() => storage.setAddresses([]), { code: 'ERR_ZEO_INVALID_ADDRESS' });
    assert.throws(() => storage.setAddresses('no port'), { code: 'ERR_ZEO_INVALID_ADDRESS' });
    peer.cut();
    await once(storage, 'connected');
  });
});

describe('A storage on a read-only server', () => {
  it('does not change over to a writable one that lacks what it has been told', async () => {
    await using fallback = await ScriptedPeer.listen({ readOnly: true });
    await using writable = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({
      address: fallback.address,
      readOnlyFallback: true,
      ...quick,
    });
    const info = writable.handlers.get_info as NonNullable<typeof writable.handlers.get_info>;
    let looked = 0;
    writable.handlers.get_info = async (args, from) => {
      looked += 1;
      // While the writable one is looked at, the present one tells of a transaction that only it has yet.
      if (looked === 1) {
        const told = once(storage, 'invalidated');
        fallback.tell('invalidateTransaction', [id(101), [id(1)]]);
        await told;
      }
      return info(args, from);
    };
    const registrations: number[] = [];
    const register = writable.handlers.register as NonNullable<typeof writable.handlers.register>;
    writable.handlers.register = (args, from) => {
      registrations.push(storage.generation);
      if (registrations.length === 3) writable.lastTid = id(101);
      return register(args, from);
    };
    storage.setAddresses([fallback.address, writable.address]);
    const [{ address, lastTid }] = await once(storage, 'connected');
    assert.deepEqual([address, new Uint8Array(lastTid)], [writable.address, id(101)]);
    // Once overtaken, once behind from the beginning.
    assert.deepEqual([registrations, looked], [[1, 1, 1], 2]);
  });
});
