import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ClientDisconnected, type KeepAliveError } from '#src/model/errors.js';
import { isKeepAliveTarget } from '#src/model/target.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { id, ScriptedPeer, silence } from './scripted-peer.js';

/** Resolves when the peer has received this many calls of the method. */
async function received(peer: ScriptedPeer, method: string, count = 1): Promise<void> {
  while (peer.count(method) < count) await turn();
}

for (const encoding of ['Z', 'M'] as const) {
  describe(`A storage on a server that speaks ${encoding}5`, () => {
    it('is ready after opening, and has the storage info', async () => {
      await using peer = await ScriptedPeer.listen({ encoding });
      await using storage = await ClientStorage.open({ address: peer.address, clientLabel: 'me' });
      assert.ok(isKeepAliveTarget(storage));
      assert.equal(storage.ready, true);
      assert.equal(storage.isConnected(), true);
      assert.equal(storage.generation, 1);
      assert.equal(storage.address, peer.address);
      assert.equal(storage.isReadOnly(), false);
      assert.deepEqual(storage.lastTransaction(), id(100));
      assert.ok((storage.lastReceivedAt ?? 0) > 0);
      assert.deepEqual(storage.info, {
        name: 'scripted',
        length: 1,
        size: 2,
        supportsUndo: true,
        supportsRecordIternext: false,
        interfaces: ['zope.I'],
      });
      await received(peer, 'set_client_label');
      assert.deepEqual(
        peer.calls.map(({ method }) => method),
        ['register', 'get_info', 'set_client_label'],
      );
    });

    // testZEO.test_server_status, checkInterfaceFromRemoteStorage
    it('calls the server and resolves to its reply', async () => {
      await using peer = await ScriptedPeer.listen({ encoding });
      await using storage = await ClientStorage.open(peer.address);
      assert.equal((await storage.getInfo()).name, 'scripted');
      assert.deepEqual({ ...(await storage.serverStatus()) }, { connections: 1 });
      peer.lastTid = id(105);
      assert.deepEqual(new Uint8Array(await storage.fetchLastTransaction()), id(105));
      assert.deepEqual(storage.lastTransaction(), id(100));
      const { data, serial } = await storage.load(id(7));
      assert.deepEqual([new Uint8Array(data), new Uint8Array(serial)], [id(7), id(90)]);
      peer.handlers.loadBefore = () => null;
      assert.equal(await storage.loadBefore(id(8), id(1)), null);
      await assert.rejects(storage.load(id(8)), { code: 'ERR_ZEO_POS_KEY' });
    });
  });
}

describe('A storage', () => {
  it('connects to a server over a unix domain socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'zeo-'));
    try {
      await using peer = await ScriptedPeer.listen({ path: join(folder, 'sock') });
      await using storage = await ClientStorage.open(`zeo://${peer.address}?name=by+path`);
      assert.equal(storage.address, peer.address);
      assert.equal(storage.getName(), 'by path');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is named after its addresses and storage without a name option', async () => {
    const storage = await ClientStorage.open({ addresses: [':1', '/run/zeo'], storage: 'main', wait: false });
    assert.equal(storage.getName(), '127.0.0.1:1,/run/zeo/main');
    await storage.close();
  });

  it('pings with get_info, or with ping if so configured', async () => {
    await using peer = await ScriptedPeer.listen();
    await using one = await ClientStorage.open(peer.address);
    await using two = await ClientStorage.open({ address: peer.address, pingMethod: 'ping' });
    await one.ping();
    assert.equal(peer.count('get_info'), 3);
    await two.ping();
    assert.equal(peer.count('ping'), 1);
  });

  it('rejects a ping at once if there is no connection', async () => {
    const storage = await ClientStorage.open({ address: 1, wait: false });
    await assert.rejects(storage.ping(), { code: 'ERR_ZEO_DISCONNECTED', retryable: true });
    await storage.close();
    await assert.rejects(storage.ping(), { code: 'ERR_ZEO_CLOSED' });
  });

  it('makes calls wait for a connection up to waitTimeout', async () => {
    await using peer = await ScriptedPeer.listen();
    await using early = await ClientStorage.open({ address: peer.address, wait: false });
    assert.equal(early.ready, false);
    assert.equal((await early.getInfo()).name, 'scripted');
    const late = await ClientStorage.open({ address: 1, wait: false, waitTimeout: 0.2 });
    await assert.rejects(late.getInfo(), (error: KeepAliveError) => {
      assert.ok(error instanceof ClientDisconnected);
      assert.equal(error.code, 'ERR_ZEO_WAIT_TIMEOUT');
      assert.equal((error.cause as KeepAliveError).code, 'ERR_ZEO_CONNECT');
      return true;
    });
    await assert.rejects(late.getInfo(AbortSignal.abort(new Error('enough'))), { message: 'enough' });
    await late.close();
  });

  it('prefers newer notifications to the reply to getInfo()', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    peer.handlers.get_info = (_, { socket }) => {
      // In one chunk with the reply, and behind it.
      socket.cork();
      queueMicrotask(() => {
        peer.tell('info', [{ length: 50 }]);
        socket.uncork();
      });
      return { length: 1, name: 'answer' };
    };
    assert.equal((await storage.getInfo()).length, 1);
    await storage.sync();
    assert.equal(storage.length, 50);
    peer.handlers.get_info = () => ({ length: 2 });
    await storage.getInfo();
    assert.equal(storage.length, 2);
  });

  it('rejects ids that are not 8 bytes long', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const wrong: unknown[] = [new Uint8Array(7), new Uint8Array(9), '12345678', 1, null, undefined];
    for (const value of wrong) {
      await assert.rejects(storage.load(value as never), {
        code: 'ERR_ZEO_INVALID_ARGUMENT',
        message: /oid/,
      });
      await assert.rejects(storage.loadBefore(id(1), value as never), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
    }
    assert.equal(peer.count('loadBefore'), 0);
  });

  it('rejects arguments of the wrong type, and sends nothing', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const { length } = peer.calls;
    for (const wrong of [null, 7, 'text'] as never[]) {
      const calls = [
        ...[
          storage.undoInfo(0, -20, wrong),
          storage.outcomeOf(wrong),
          storage.tpcBegin(wrong),
          storage.pack(wrong),
        ],
        ...[storage.pack({ wait: wrong }), storage.commit({}, wrong), storage.commit(wrong, () => {})],
        ...[
          storage.tpcBegin({ extension: wrong }),
          storage.load(wrong),
          storage.history(wrong),
          storage.prefetch([wrong]),
        ],
      ];
      for (const call of calls) await assert.rejects(call, { code: 'ERR_ZEO_INVALID_ARGUMENT' });
    }
    for (const wrong of [null, 7, {}] as never[])
      await assert.rejects(storage.prefetch(wrong), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
    assert.equal(peer.calls.length, length);
    // None of them has kept the commit lock.
    await using transaction = await storage.tpcBegin();
    assert.equal(transaction.isActive, true);
    peer.handlers.tpc_abort = () => null;
  });

  it('rejects an extension or specification that is not a plain object', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const { length } = peer.calls;
    const invalid = { code: 'ERR_ZEO_INVALID_ARGUMENT' };
    class Named {
      get user_name() {
        return 'anna';
      }
    }
    for (const wrong of [new Map([['user_name', 'anna']]), ['anna'], new Named(), new Date()] as never[]) {
      await assert.rejects(storage.tpcBegin({ extension: wrong }), invalid);
      await assert.rejects(storage.undoInfo(0, -20, wrong), invalid);
    }
    assert.equal(peer.calls.length, length);
    peer.handlers.undoInfo = () => [];
    await storage.undoInfo(0, -20, Object.assign(Object.create(null), { user_name: 'anna' }));
    assert.equal(peer.count('undoInfo'), 1);
  });

  it('sends one request for equal concurrent loads', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: peer.address, cacheSize: 0 });
    let answer: (value: Value) => void = () => {};
    peer.handlers.loadBefore = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const loads = [
      storage.loadBefore(id(1), id(2)),
      storage.loadBefore(id(1), id(2)),
      storage.loadBefore(id(1), id(2)),
    ];
    await received(peer, 'loadBefore');
    answer([id(1), id(1), id(2)]);
    const [first, ...others] = await Promise.all(loads);
    for (const other of others) assert.equal(other, first);
    assert.equal(peer.count('loadBefore'), 1);
    const again = storage.loadBefore(id(1), id(2));
    await received(peer, 'loadBefore', 2);
    answer(null);
    assert.equal(await again, null);
  });

  it('keeps a shared load going if one of its callers aborts', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    let answer: (value: Value) => void = () => {};
    peer.handlers.loadBefore = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const controller = new AbortController();
    const impatient = storage.loadBefore(id(1), id(2), controller.signal);
    const patient = storage.loadBefore(id(1), id(2), new AbortController().signal);
    await received(peer, 'loadBefore');
    controller.abort(new Error('enough'));
    await assert.rejects(impatient, { message: 'enough' });
    answer(null);
    assert.equal(await patient, null);
  });

  it('releases the lock when all callers of a load have aborted', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { loadBefore: () => silence } });
    await using storage = await ClientStorage.open(peer.address);
    const controller = new AbortController();
    const load = storage.load(id(1), controller.signal);
    await received(peer, 'loadBefore');
    assert.equal(storage.loadLock.locked, true);
    controller.abort();
    await assert.rejects(load, { name: 'AbortError' });
    (await storage.loadLock.acquire())();
  });

  it('ignores the late reply to a call that was aborted', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    let answer: (value: Value) => void = () => {};
    peer.handlers.server_status = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const controller = new AbortController();
    const call = storage.serverStatus(controller.signal);
    await received(peer, 'server_status');
    controller.abort(new Error('enough'));
    await assert.rejects(call, { message: 'enough' });
    answer({});
    await storage.ping();
    assert.equal(storage.generation, 1);
    await assert.rejects(storage.ping(AbortSignal.abort(new Error('before'))), { message: 'before' });
  });

  it('leaves no listener on a signal when a call has settled', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener: add, removeEventListener: remove } = signal;
    signal.addEventListener = (...args: unknown[]) => {
      listeners += 1;
      return Reflect.apply(add, signal, args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      listeners -= 1;
      return Reflect.apply(remove, signal, args);
    };
    await storage.ping(signal);
    await storage.load(id(1), signal);
    await storage.getInfo(signal);
    await turn();
    assert.equal(listeners, 0);
  });

  it('accepts one signal for any number of calls', async () => {
    await using peer = await ScriptedPeer.listen({ handlers: { loadBefore: () => silence } });
    await using storage = await ClientStorage.open(peer.address);
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const controller = new AbortController();
    const loads = Array.from({ length: 50 }, (_, i) => storage.load(id(i), controller.signal));
    await received(peer, 'loadBefore', 50);
    controller.abort(new Error('enough'));
    for (const load of loads) await assert.rejects(load, { message: 'enough' });
    assert.equal(storage.loadLock.locked, false);
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });

  it('sends no load while its lock is held', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const release = await storage.loadLock.acquire();
    const load = storage.load(id(1));
    await storage.ping();
    assert.equal(peer.count('loadBefore'), 0);
    release();
    await load;
    assert.equal(storage.loadLock.locked, false);
  });

  it('rejects a call with the exception of the server, and lives on', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    peer.handlers.server_status = () => 'no dict';
    await assert.rejects(storage.serverStatus(), { code: 'ERR_ZEO_PROTOCOL' });
    assert.equal(storage.ready, true);
  });
});
