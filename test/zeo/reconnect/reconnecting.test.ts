import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ClientDisconnected, type KeepAliveError } from '#src/model/errors.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { formatId } from '#src/zodb/ids.js';
import { id, listenRaw, ScriptedPeer, silence } from '../storage/scripted-peer.js';

/** The events of a storage, one line each. */
function record(storage: ClientStorage): string[] {
  const lines: string[] = [];
  const ids = (oids: readonly Uint8Array[] | null) =>
    oids?.map((oid) => Number(`0x${formatId(oid)}`)).join() ?? 'all';
  storage.on('connected', ({ generation, lastTid }) =>
    lines.push(`connected ${generation} at ${ids([lastTid])}`),
  );
  storage.on('disconnected', ({ generation }) => lines.push(`disconnected ${generation}`));
  storage.on('invalidated', ({ tid, oids }) => lines.push(`invalidated ${ids([tid])}: ${ids(oids)}`));
  return lines;
}

describe('A storage that loses its connection', () => {
  // ReconnectionTests.checkReconnection; ConnectionTests.checkDisconnectionError
  it('reconnects when the server has restarted', async () => {
    const before = await ScriptedPeer.listen();
    const { port } = before;
    await using storage = await ClientStorage.open({ address: port, reconnectMaxDelay: 0.5 });
    const retry = once(storage, 'reconnecting');
    await before.close();
    const [{ attempt, delayMs, error, address }] = await retry;
    assert.deepEqual([attempt, delayMs, address], [1, 0, `127.0.0.1:${port}`]);
    assert.match(error.message, /was lost/);
    await once(storage, 'reconnecting');
    await using after = await ScriptedPeer.listen({ port });
    await once(storage, 'connected');
    assert.equal(storage.generation, 2);
    assert.equal(after.count('getInvalidations'), 0);
    await storage.ping();
  });

  it('reports when it was lost until it is connected again', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: peer.address, wait: false });
    assert.equal(storage.lostAt, undefined);
    await once(storage, 'connected');
    assert.equal(storage.lostAt, undefined);
    const before = performance.now();
    const lost = once(storage, 'disconnected').then(() => storage.lostAt);
    const back = once(storage, 'connected');
    peer.cut();
    const lostAt = await lost;
    assert.ok(lostAt !== undefined && lostAt >= before && lostAt <= performance.now());
    await back;
    assert.equal(storage.lostAt, undefined);
  });

  it('keeps trying a server that came back without the storage', async () => {
    const before = await ScriptedPeer.listen();
    const { port } = before;
    await using storage = await ClientStorage.open({
      address: port,
      reconnectMinDelay: 0.01,
      reconnectMaxDelay: 0.02,
    });
    await before.close();
    const wrong = await ScriptedPeer.listen({ port, storage: 'other' });
    let failure: KeepAliveError;
    do [{ error: failure }] = await once(storage, 'reconnecting');
    while (failure.code !== 'ERR_ZEO_UNKNOWN_STORAGE');
    await wrong.close();
    await using right = await ScriptedPeer.listen({ port });
    await once(storage, 'connected');
    assert.equal(right.accepted, 1);
  });

  // ReconnectionTests.checkNoVerificationOnServerRestartWith2Clients
  // ZRPCConnectionTests.checkConnectionInvalidationOnReconnect
  it('emits the changes that it missed before it is ready', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const lines = record(storage);
    storage.once('invalidated', () => assert.equal(storage.ready, false));
    peer.lastTid = id(102);
    peer.handlers.getInvalidations = ([tid]) => {
      assert.deepEqual(new Uint8Array(tid as Uint8Array), id(100));
      return [id(102), [id(1), id(2)]];
    };
    peer.cut();
    await once(storage, 'connected');
    assert.deepEqual(lines, ['disconnected 1', 'invalidated 102: 1,2', 'connected 2 at 102']);
  });

  it('reports all objects changed if the server does not know which', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const lines = record(storage);
    peer.lastTid = id(102);
    peer.cut();
    await once(storage, 'connected');
    assert.deepEqual(lines, ['disconnected 1', 'invalidated 102: all', 'connected 2 at 102']);
  });

  it('does not ask for changes if the server has none', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    peer.cut();
    await once(storage, 'connected');
    assert.equal(peer.count('getInvalidations'), 0);
  });

  it('emits each invalidation received while verifying exactly once', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const lines = record(storage);
    peer.lastTid = id(102);
    // In one chunk with the replies: the client's async functions resume only after all of it has been read.
    peer.handlers.getInvalidations = (_, { socket, session }) => {
      socket.cork();
      socket.write(session.encodeOneWay('invalidateTransaction', [id(103), [id(3)]]));
      process.nextTick(() => {
        socket.write(session.encodeOneWay('invalidateTransaction', [id(104), [id(4)]]));
        socket.uncork();
      });
      return [id(103), [id(1), id(3)]];
    };
    peer.handlers.get_info = (_, { socket, session }) => {
      socket.cork();
      socket.write(session.encodeOneWay('invalidateTransaction', [id(105), [id(5)]]));
      process.nextTick(() => {
        socket.write(session.encodeOneWay('invalidateTransaction', [id(106), [id(6)]]));
        socket.uncork();
      });
      return { name: 'scripted' };
    };
    peer.cut();
    await once(storage, 'connected');
    assert.deepEqual(lines, [
      'disconnected 1',
      'invalidated 103: 1,3',
      'invalidated 104: 4',
      'invalidated 105: 5',
      'invalidated 106: 6',
      'connected 2 at 106',
    ]);
  });

  it('follows the invalidations and the storage info from the server', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const lines = record(storage);
    peer.tell('invalidateTransaction', [id(101), [id(1)]]);
    peer.tell('info', [{ length: 50, size: 60 }]);
    await storage.ping();
    assert.deepEqual(lines, ['invalidated 101: 1']);
    assert.deepEqual(storage.lastTransaction(), id(101));
    assert.deepEqual([storage.info?.length, storage.info?.size, storage.info?.name], [50, 60, 'scripted']);
  });

  // ConnectionTests.checkCheckForOutOfDateServer
  it('rejects a server that is behind until that has caught up', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({
      address: peer.address,
      reconnectMinDelay: 0,
      reconnectMaxDelay: 0.02,
    });
    peer.lastTid = id(99);
    peer.cut();
    let failure: Error;
    do [{ error: failure }] = await once(storage, 'reconnecting');
    while (!failure.message.includes('is behind this client'));
    assert.equal(storage.ready, false);
    assert.deepEqual(storage.lastTransaction(), id(100));
    peer.lastTid = id(100);
    await once(storage, 'connected');
  });

  // ConnectionTests.checkMultipleAddresses
  it('uses the first of several servers that works', async () => {
    await using silent = await listenRaw(() => {});
    await using peer = await ScriptedPeer.listen();
    await using other = await ScriptedPeer.listen({ storage: 'other' });
    await using storage = await ClientStorage.open({
      addresses: [silent.address, 1, other.address, peer.address],
    });
    assert.equal(storage.address, peer.address);
  });

  it('gives up opening at once only if every server is hopeless', async () => {
    await using one = await ScriptedPeer.listen({ storage: 'other' });
    await using two = await ScriptedPeer.listen({ readOnly: true });
    await assert.rejects(ClientStorage.open({ addresses: [one.address, two.address] }), {
      code: /ERR_ZEO_(UNKNOWN_STORAGE|READ_ONLY)/,
    });
    await assert.rejects(ClientStorage.open({ addresses: [one.address, 1], waitTimeout: 0.2 }), {
      code: 'ERR_ZEO_WAIT_TIMEOUT',
    });
  });
});

describe('drop()', () => {
  it('rejects pending calls, and makes the storage reconnect', async () => {
    await using peer = await ScriptedPeer.listen({
      handlers: { loadBefore: () => silence, server_status: () => silence },
    });
    await using storage = await ClientStorage.open(peer.address);
    const calls = [storage.load(id(1)), storage.serverStatus()];
    while (peer.count('loadBefore') + peer.count('server_status') < 2) await turn();
    const error = new Error('silent for 5 s');
    const reconnected = once(storage, 'connected');
    storage.drop(error, 1);
    assert.equal(storage.ready, false);
    for (const call of calls) {
      await assert.rejects(call, (reason: Error) => {
        assert.ok(reason instanceof ClientDisconnected);
        assert.equal(reason.cause, error);
        assert.equal(reason.retryable, true);
        return true;
      });
    }
    assert.equal(storage.loadLock.locked, false);
    await reconnected;
    assert.equal(storage.generation, 2);
  });

  it('ignores other generations, and a reconnect in progress', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const lines = record(storage);
    storage.drop(new Error('too early'), 2);
    storage.drop(new Error('too late'), 0);
    assert.equal(storage.ready, true);
    storage.drop(new Error('now'), 1);
    storage.drop(new Error('again'), 1);
    storage.drop(new Error('and again'), 2);
    await once(storage, 'connected');
    storage.drop(new Error('of old'), 1);
    await storage.ping();
    assert.deepEqual(lines, ['disconnected 1', 'connected 2 at 100']);
    assert.equal(peer.accepted, 2);
  });
});

describe('A listener that throws', () => {
  it('causes a warning, and disturbs neither storage nor listeners', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const warned = once(process, 'warning');
    for (const name of ['connected', 'disconnected', 'reconnecting', 'invalidated'] as const) {
      storage.on(name, () => {
        throw new Error(`from ${name}`);
      });
    }
    const seen = record(storage);
    peer.lastTid = id(101);
    peer.cut();
    await once(storage, 'connected');
    assert.deepEqual(seen, ['disconnected 1', 'invalidated 101: all', 'connected 2 at 101']);
    await storage.ping();
    const [warning] = await warned;
    assert.equal(warning.name, 'ZeoListenerWarning');
    assert.match(warning.message, /from disconnected/);
  });

  it('may also be async and return a promise that rejects', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const warned = once(process, 'warning');
    storage.once('disconnected', async () => {
      throw new Error('from an async listener');
    });
    peer.cut();
    await once(storage, 'connected');
    const [warning] = await warned;
    assert.equal(warning.name, 'ZeoListenerWarning');
    assert.match(warning.message, /A listener of disconnected threw: .*from an async listener/);
  });

  it('may throw any value, not only an Error', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const warned = once(process, 'warning');
    storage.once('reconnecting', () => {
      throw Object.create(null);
    });
    peer.cut();
    await once(storage, 'connected');
    assert.match(
      (await warned)[0].message,
      /A listener of reconnecting threw: \[Object: null prototype\] \{\}/,
    );
  });
});

describe('A search for a server that ended by a fault of this process', () => {
  const noChance = () => {
    throw new Error('no chance');
  };

  // ZRPCConnectionTests.checkCatastrophicClientLoopFailure
  it('is started again after a pause', async (t) => {
    const before = await ScriptedPeer.listen();
    const { port } = before;
    await using storage = await ClientStorage.open({ address: port, reconnectMaxDelay: 0.05 });
    t.mock.method(Math, 'random', noChance, { times: 1 });
    const failed = new Promise<Error>((resolve) => {
      storage.on('reconnecting', ({ error }) => {
        if (error.message === 'The search for a server failed') resolve(error);
      });
    });
    const began = performance.now();
    await before.close();
    const { cause } = (await failed) as { cause?: AggregateError };
    assert.match(String(cause?.errors[0]), /no chance/);
    assert.ok(performance.now() - began >= 90);
    await using _after = await ScriptedPeer.listen({ port });
    await once(storage, 'connected');
    assert.equal(storage.generation, 2);
  });

  it('is not started again if the storage is closed meanwhile', async (t) => {
    const peer = await ScriptedPeer.listen();
    const storage = await ClientStorage.open({ address: peer.port });
    const { mock } = t.mock.method(Math, 'random', noChance);
    await peer.close();
    while (mock.callCount() === 0) await turn();
    await storage.close();
    await new Promise((resolve) => setTimeout(resolve, 250));
    assert.equal(mock.callCount(), 1);
  });
});
