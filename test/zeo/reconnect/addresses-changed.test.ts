import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { id, ScriptedPeer } from '../storage/scripted-peer.js';

const quick = { reconnectMinDelay: 0.01, reconnectMaxDelay: 0.02 };

/** A storage that accepts the read-only server, and does not know the address of a writable one yet. */
async function openWithFallback({ address }: ScriptedPeer): Promise<ClientStorage> {
  const storage = await ClientStorage.open({ address, readOnlyFallback: true, ...quick });
  assert.equal(storage.isReadOnly(), true);
  return storage;
}

// ZEO/tests/new_addr.test
describe('A storage whose addresses are changed', () => {
  // ReconnectionTests.checkMultipleServers, checkReconnectWritable
  it('keeps its connection, and uses the new ones after losing it', async () => {
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

  it('tries the new ones at once if it is disconnected', async () => {
    const former = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: former.address, reconnectMaxDelay: 600 });
    await former.close();
    while (storage.lastError?.message.includes('ECONNREFUSED') !== true) await once(storage, 'reconnecting');
    await using next = await ScriptedPeer.listen();
    storage.setAddresses([next.address]);
    await once(storage, 'connected');
    assert.equal(storage.address, next.address);
  });

  it('tries the new ones for a writable server while on a fallback', async () => {
    await using fallback = await ScriptedPeer.listen({ readOnly: true });
    await using writable = await ScriptedPeer.listen();
    await using storage = await openWithFallback(fallback);
    storage.setAddresses([fallback.address, writable.address]);
    await once(storage, 'connected');
    assert.deepEqual([storage.address, storage.isReadOnly()], [writable.address, false]);
  });

  it('is not affected if the new ones are invalid', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: peer.address, ...quick });
    assert.throws(() => storage.setAddresses([]), { code: 'ERR_ZEO_INVALID_ADDRESS' });
    assert.throws(() => storage.setAddresses('no port'), { code: 'ERR_ZEO_INVALID_ADDRESS' });
    peer.cut();
    await once(storage, 'connected');
  });
});

describe('A change of the addresses of a storage', () => {
  /** The addresses in the events of a storage. */
  interface Seen {
    readonly reconnecting: string[];
    readonly connected: string[];
  }

  const watch = (storage: ClientStorage): Seen => {
    const seen: Seen = { reconnecting: [], connected: [] };
    storage.on('reconnecting', ({ address }) => seen.reconnecting.push(address));
    storage.on('connected', ({ address }) => seen.connected.push(address));
    return seen;
  };

  it('in an invalidated listener keeps the connection being adopted', async () => {
    await using former = await ScriptedPeer.listen();
    await using next = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: former.address, ...quick });
    const seen = watch(storage);
    former.lastTid = id(105);
    next.lastTid = id(105);
    storage.once('invalidated', () => storage.setAddresses(next.address));
    former.cut();
    await once(storage, 'connected');
    await storage.sync();
    assert.deepEqual([seen.reconnecting, seen.connected], [[former.address], [former.address]]);
    assert.deepEqual([former.accepted, next.accepted], [2, 0]);
    former.cut();
    await once(storage, 'connected');
    assert.deepEqual(seen.connected, [former.address, next.address]);
    assert.deepEqual([former.accepted, next.accepted], [2, 1]);
  });

  it('in a disconnected listener applies to the first attempt', async () => {
    await using former = await ScriptedPeer.listen();
    await using next = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({
      address: former.address,
      reconnectMinDelay: 600,
      reconnectMaxDelay: 600,
    });
    const seen = watch(storage);
    storage.once('disconnected', () => storage.setAddresses(next.address));
    former.cut();
    await once(storage, 'connected');
    await storage.sync();
    assert.deepEqual([seen.reconnecting, seen.connected], [[next.address], [next.address]]);
    assert.deepEqual([former.accepted, next.accepted], [1, 1]);
  });

  it('in a reconnecting listener, even repeated, restarts the search once', async () => {
    await using former = await ScriptedPeer.listen();
    await using second = await ScriptedPeer.listen();
    await using next = await ScriptedPeer.listen();
    const address = [former.address, second.address];
    await using storage = await ClientStorage.open({ address, ...quick });
    const seen = watch(storage);
    storage.on('reconnecting', () => storage.setAddresses([next.address]));
    const accepted = former.accepted + second.accepted;
    former.cut();
    second.cut();
    await once(storage, 'connected');
    await storage.sync();
    assert.deepEqual([seen.reconnecting, seen.connected], [[former.address, next.address], [next.address]]);
    assert.deepEqual([former.accepted + second.accepted, next.accepted], [accepted, 1]);
  });

  it('during a switch to a writable server does not stop the switch', async () => {
    await using fallback = await ScriptedPeer.listen({ readOnly: true });
    await using writable = await ScriptedPeer.listen();
    await using storage = await openWithFallback(fallback);
    const seen = watch(storage);
    storage.once('disconnected', () => storage.setAddresses(fallback.address));
    storage.setAddresses([fallback.address, writable.address]);
    await once(storage, 'connected');
    await storage.sync();
    assert.deepEqual([storage.address, storage.isReadOnly()], [writable.address, false]);
    assert.deepEqual(seen, { reconnecting: [], connected: [writable.address] });
    assert.deepEqual([fallback.accepted, writable.accepted], [1, 1]);
  });
});

describe('A storage that is closed by a listener', () => {
  it('emits no more events but closed, whatever was pending', async () => {
    await using peer = await ScriptedPeer.listen();
    const storage = await ClientStorage.open({ address: peer.address, ...quick });
    const emitted: string[] = [];
    storage.on('invalidated', () => {
      emitted.push('invalidated');
      void storage.close();
    });
    for (const name of ['connected', 'closed'] as const) storage.on(name, () => emitted.push(name));
    peer.lastTid = id(105);
    peer.handlers.get_info = (_, { socket, session }) => {
      socket.write(session.encodeOneWay('invalidateTransaction', [id(106), [id(7)]]));
      return {};
    };
    peer.cut();
    await once(storage, 'closed');
    await storage.close();
    assert.deepEqual(emitted, ['invalidated', 'closed']);
  });
});

describe('A storage on a read-only server', () => {
  it('does not switch to a writable one that lacks known transactions', async () => {
    await using fallback = await ScriptedPeer.listen({ readOnly: true });
    await using writable = await ScriptedPeer.listen();
    await using storage = await openWithFallback(fallback);
    const info = writable.handlers.get_info as NonNullable<typeof writable.handlers.get_info>;
    let looked = 0;
    writable.handlers.get_info = async (args, from) => {
      looked += 1;
      // While the writable server is verified, the fallback announces a transaction that the other one lacks.
      if (looked === 1) {
        const invalidated = once(storage, 'invalidated');
        fallback.tell('invalidateTransaction', [id(101), [id(1)]]);
        await invalidated;
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
    // The first attempt was overtaken by the transaction; the second found the server behind from the start.
    assert.deepEqual([registrations, looked], [[1, 1, 1], 2]);
  });
});
