import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Value } from '#src/zeo/encoding/values.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { maxTid } from '#src/zodb/ids.js';
import { id, PythonError, ScriptedPeer } from './scripted-peer.js';

/** Answers `loadBefore` on demand. */
class HeldLoads {
  readonly #held: ((value: Value) => void)[] = [];

  constructor(peer: ScriptedPeer) {
    peer.handlers.loadBefore = () => new Promise((resolve) => this.#held.push(resolve));
  }

  async answer(value: Value): Promise<void> {
    while (this.#held.length === 0) await turn();
    this.#held.shift()?.(value);
  }

  async whenAsked(): Promise<void> {
    while (this.#held.length === 0) await turn();
  }
}

const record = (text: string) => new TextEncoder().encode(text);
const text = ({ data }: { data: Uint8Array }) => Buffer.from(data).toString();

describe('A storage with a cache', () => {
  it('loads an object only once if it does not change', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    for (let count = 0; count < 3; count++) {
      assert.deepEqual(await storage.load(id(7)), { data: id(7), serial: id(90) });
      assert.deepEqual(await storage.loadBefore(id(7), id(95)), {
        data: id(7),
        serial: id(90),
        endTid: null,
      });
    }
    assert.equal(peer.count('loadBefore'), 1);
    await assert.rejects(storage.load(id(7), AbortSignal.abort(new Error('enough'))), { message: 'enough' });
  });

  it('loads an object every time if the cache is disabled', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: peer.address, cacheSize: 0 });
    for (let count = 0; count < 3; count++) await storage.load(id(7));
    assert.equal(peer.count('loadBefore'), 3);
  });

  it('loads an invalidated object again, even from the listener', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    await storage.load(id(7));
    peer.handlers.loadBefore = () => [record('new'), id(101), null];
    const invalidated = once(storage, 'invalidated');
    const loaded = new Promise<string>((resolve) => {
      storage.once('invalidated', () => {
        assert.deepEqual(storage.lastTransaction(), id(100));
        void storage.load(id(7)).then((revision) => resolve(text(revision)));
      });
    });
    peer.tell('invalidateTransaction', [id(101), [id(7)]]);
    await invalidated;
    assert.equal(await loaded, 'new');
    assert.equal(text(await storage.load(id(7))), 'new');
    // The previous revision is still cached, with the transaction that replaced it.
    assert.deepEqual((await storage.loadBefore(id(7), id(101)))?.endTid, id(101));
    assert.equal(peer.count('loadBefore'), 2);
  });

  it('neither caches nor returns a reply overtaken by an invalidation', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const loads = new HeldLoads(peer);
    const load = storage.load(id(7));
    await loads.whenAsked();
    peer.tell('invalidateTransaction', [id(101), [id(7)]]);
    await once(storage, 'invalidated');
    await loads.answer([record('old'), id(90), null]);
    await loads.answer([record('new'), id(101), null]);
    assert.equal(text(await load), 'new');
    assert.equal(text(await storage.load(id(7))), 'new');
    assert.equal(peer.count('loadBefore'), 2);
  });

  // ZODB/tests/racetest.py: test_race_load_vs_external_invalidate
  it('repeats a load invalidated in the same chunk as its reply', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    peer.handlers.loadBefore = (_, { socket, session }) => {
      peer.handlers.loadBefore = () => [record('new'), id(101), null];
      socket.cork();
      // Behind the reply.
      setImmediate(() => {
        socket.write(session.encodeOneWay('invalidateTransaction', [id(101), [id(7)]]));
        socket.uncork();
      });
      return [record('old'), id(90), null];
    };
    const { data } = await storage.load(id(7));
    assert.deepEqual(storage.lastTransaction(), id(101));
    assert.equal(text({ data }), 'new');
  });

  it('repeats a load of a missing object that was just invalidated', async () => {
    const missing = [
      () => null,
      () => {
        throw new PythonError('ZODB.POSException.POSKeyError', [id(7)]);
      },
    ];
    for (const answer of missing) {
      await using peer = await ScriptedPeer.listen();
      await using storage = await ClientStorage.open(peer.address);
      peer.handlers.loadBefore = async () => {
        peer.handlers.loadBefore = () => [record('new'), id(101), null];
        peer.tell('invalidateTransaction', [id(101), [id(7)]]);
        return answer();
      };
      assert.equal(text(await storage.load(id(7))), 'new');
      peer.handlers.loadBefore = answer;
      await assert.rejects(storage.load(id(8)), { code: 'ERR_ZEO_POS_KEY' });
    }
  });

  it('returns past revisions whatever is invalidated meanwhile', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const loads = new HeldLoads(peer);
    const load = storage.loadBefore(id(7), id(95));
    await loads.whenAsked();
    peer.tell('invalidateTransaction', [id(101), [id(7)]]);
    await once(storage, 'invalidated');
    await loads.answer([record('old'), id(90), id(101)]);
    assert.deepEqual(await load, { data: record('old'), serial: id(90), endTid: id(101) });
    assert.deepEqual(await storage.loadBefore(id(7), id(92)), await load);
    assert.equal(peer.count('loadBefore'), 1);
  });

  // ConnectionTests.checkVerificationInvalidationPersists, InvqTests.checkQuickVerificationWith2Clients
  it('reloads only what was changed while it was disconnected', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    await storage.load(id(7));
    await storage.load(id(8));
    peer.lastTid = id(105);
    peer.handlers.getInvalidations = () => [id(105), [id(7)]];
    peer.handlers.loadBefore = () => [record('new'), id(103), null];
    peer.cut();
    await once(storage, 'connected');
    assert.equal(text(await storage.load(id(7))), 'new');
    assert.deepEqual((await storage.load(id(8))).data, id(8));
    assert.equal(peer.count('loadBefore'), 3);
  });

  // InvqTests.checkVerificationWith2ClientsInvqOverflow, drop_cache_rather_than_verify.txt
  it('clears the cache if the server does not know what was changed', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    await storage.load(id(7));
    peer.lastTid = id(105);
    peer.cut();
    await once(storage, 'connected');
    await storage.load(id(7));
    assert.equal(peer.count('loadBefore'), 2);
  });

  it('clears the cache if the missed changes are incomplete', async () => {
    for (const reported of [104, 100, 99]) {
      await using peer = await ScriptedPeer.listen();
      await using storage = await ClientStorage.open(peer.address);
      await storage.load(id(7));
      peer.lastTid = id(105);
      peer.handlers.getInvalidations = () => [id(reported), [id(8)]];
      peer.handlers.loadBefore = () => [record('new'), id(105), null];
      const invalidated = once(storage, 'invalidated');
      peer.cut();
      const [{ tid, oids }] = await invalidated;
      assert.deepEqual([tid, oids], [id(105), null]);
      while (!storage.ready) await once(storage, 'connected');
      assert.deepEqual(storage.lastTransaction(), id(105));
      assert.equal(text(await storage.load(id(7))), 'new');
    }
  });

  // ReconnectionTests.checkNoVerificationOnServerRestart
  it('keeps its cache if nothing was changed while disconnected', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    await storage.load(id(7));
    peer.cut();
    await once(storage, 'connected');
    await storage.load(id(7));
    assert.equal(peer.count('loadBefore'), 1);
  });

  // ZODB/tests/racetest.py: test_race_external_invalidate_vs_disconnect
  it('drops what was invalidated between verification and ready', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    await storage.load(id(7));
    peer.handlers.get_info = (_, { socket, session }) => {
      socket.write(session.encodeOneWay('invalidateTransaction', [id(101), [id(7)]]));
      return {};
    };
    peer.cut();
    await once(storage, 'connected');
    await storage.load(id(7));
    assert.equal(peer.count('loadBefore'), 2);
  });

  // ConnectionTests.checkDisconnectedCacheWorks, checkDisconnectedCacheFails
  it('serves only loads that cannot have changed while disconnected', async () => {
    const peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open({ address: peer.address, waitTimeout: 0.1 });
    await storage.load(id(7));
    await peer.close();
    while (storage.ready) await once(storage, 'disconnected');
    const known = { data: id(7), serial: id(90), endTid: null };
    assert.deepEqual(await storage.loadBefore(id(7), id(101)), known);
    assert.deepEqual(await storage.loadBefore(id(7), id(95)), known);
    await assert.rejects(storage.loadBefore(id(7), id(102)), { code: 'ERR_ZEO_WAIT_TIMEOUT' });
    await assert.rejects(storage.load(id(7)), { code: 'ERR_ZEO_WAIT_TIMEOUT' });
    await assert.rejects(storage.loadBefore(id(8), id(95)), { code: 'ERR_ZEO_WAIT_TIMEOUT' });
    await storage.close();
    await assert.rejects(storage.loadBefore(id(7), id(95)), { code: 'ERR_ZEO_CLOSED' });
  });

  it('forgets its cache when a server that was behind has caught up', async () => {
    await using peer = await ScriptedPeer.listen();
    peer.handlers.getInvalidations = () => [peer.lastTid, [id(9)]];
    const delays = { reconnectMinDelay: 0, reconnectMaxDelay: 0.02 };
    await using storage = await ClientStorage.open({ address: peer.address, ...delays });
    const events: string[] = [];
    storage.on('invalidated', ({ oids }) => events.push(oids === null ? 'all' : `${oids.length}`));
    await storage.load(id(7));
    // As after a restore from a backup, which lacks the record that was just loaded.
    peer.lastTid = id(99);
    peer.cut();
    let failure: Error;
    do [{ error: failure }] = await once(storage, 'reconnecting');
    while (!failure.message.includes('if it was restored from a backup, restart its clients'));
    peer.handlers.loadBefore = () => [record('rolled back'), id(80), null];
    peer.lastTid = id(101);
    await once(storage, 'connected');
    assert.equal(text(await storage.load(id(7))), 'rolled back');
    // From then on it is believed as any other.
    peer.lastTid = id(102);
    peer.cut();
    await once(storage, 'connected');
    await storage.load(id(7));
    assert.equal(peer.count('loadBefore'), 2);
    assert.deepEqual(events, ['all', '1']);
  });

  // testZEO.test_prefetch
  it('prefetches what is not cached, and skips missing objects', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    const load = peer.handlers.loadBefore as NonNullable<typeof peer.handlers.loadBefore>;
    peer.handlers.loadBefore = (args, from) =>
      Buffer.compare(args[0] as Uint8Array, id(3)) === 0 ? null : load(args, from);
    await storage.load(id(1));
    await storage.prefetch([id(1), id(2), id(3), id(4)]);
    assert.equal(peer.count('loadBefore'), 4);
    await Promise.all([1, 2, 4].map((number) => storage.load(id(number))));
    assert.equal(peer.count('loadBefore'), 4);
    await assert.rejects(storage.prefetch([id(1).subarray(1)], maxTid), { code: 'ERR_ZEO_INVALID_ARGUMENT' });
    peer.cut();
    await once(storage, 'disconnected');
    await assert.rejects(storage.prefetch([id(9)]), { code: 'ERR_ZEO_DISCONNECTED' });
  });

  // test_sync.test_server_sync
  it('knows after sync() all invalidations sent before the reply', async () => {
    await using peer = await ScriptedPeer.listen();
    await using storage = await ClientStorage.open(peer.address);
    peer.handlers.ping = (_, { socket, session }) => {
      socket.write(session.encodeOneWay('invalidateTransaction', [id(101), [id(7)]]));
      return null;
    };
    await storage.sync();
    assert.deepEqual(storage.lastTransaction(), id(101));
  });
});
