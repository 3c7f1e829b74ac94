import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { MemoryStorage, type StoreConflict, ZeoServer } from '#src/zeo/server/index.js';
import { oid } from '../server/records.js';
import { WireClient } from '../server/wire-client.js';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const latest = Uint8Array.from([0x7f, 255, 255, 255, 255, 255, 255, 255]);
const conflict = { className: 'ZODB.POSException.ConflictError' };

describe('A storage with a resolver', () => {
  const seen: StoreConflict[] = [];
  const join = (one: StoreConflict): Uint8Array => {
    seen.push(one);
    return Buffer.concat([one.committedData, one.newData]);
  };
  let storage: MemoryStorage;
  let server: ZeoServer;
  let one: WireClient;
  let other: WireClient;

  beforeEach(async () => {
    seen.length = 0;
    storage = new MemoryStorage({ resolveConflict: join });
    server = await ZeoServer.listen({ storages: new Map([['1', storage]]) });
    one = await WireClient.register(server);
    other = await WireClient.register(server);
  });
  afterEach(() => server.close());

  /** Two changes after the revision that the client's is based on. */
  const fill = () =>
    ['old', 'between', 'new'].map((text) => storage.commit([{ oid: oid(1), data: bytes(text) }]));

  // test_client_side_conflict_resolution.test_server_side
  it('commits the merged record, and the vote names its object', async () => {
    const [serial] = fill();
    seen.length = 0;
    one.store(7, { oid: oid(1), serial: serial as Uint8Array, data: bytes('+mine') });
    assert.deepEqual(await one.call('vote', 7), [oid(1)]);
    assert.deepEqual(
      seen.map(({ oldData, committedData, newData }) => [oldData, committedData, newData]),
      [[bytes('old'), bytes('new'), bytes('+mine')]],
    );
    const tid = await one.call('tpc_finish', 7);
    assert.deepEqual(await one.call('loadBefore', oid(1), latest), [bytes('new+mine'), tid, null]);
    assert.deepEqual((await other.notification('invalidateTransaction', 4)).args, [tid, [oid(1)]]);
  });

  it('that returns nothing, or throws, leaves the conflict an error', async () => {
    const [serial] = fill();
    for (const resolver of [() => undefined, () => assert.fail('a bug of the test’s own')]) {
      storage.resolveConflict = resolver;
      one.store(7, { oid: oid(1), serial: serial as Uint8Array, data: bytes('+mine') });
      await assert.rejects(one.call('vote', 7), conflict);
    }
  });

  it('is not asked without an old record', async () => {
    fill();
    one.store(7, { oid: oid(1), serial: new Uint8Array(8), data: bytes('+mine') });
    await assert.rejects(one.call('vote', 7), conflict);
    const last = storage.lastTransaction;
    storage.commit([{ oid: oid(1), data: null }]);
    one.store(8, { oid: oid(1), serial: last, data: bytes('+mine') });
    await assert.rejects(one.call('vote', 8), conflict);
    assert.deepEqual(seen, []);
  });

  it('is asked when an earlier change is undone', () => {
    const [, between] = fill();
    const tid = storage.undo(between as Uint8Array);
    assert.deepEqual(
      seen.map(({ oldData, committedData, newData }) => [oldData, committedData, newData]),
      [[bytes('between'), bytes('new'), bytes('old')]],
    );
    assert.deepEqual(storage.loadSerial(oid(1), tid), bytes('newold'));
  });
});

describe('A server that leaves conflicts to its clients', () => {
  it('returns them from the vote, frees the lock, and accepts resolved records later', async () => {
    await using server = await ZeoServer.listen({ clientConflictResolution: true });
    const storage = server.storage();
    const old = storage.commit([{ oid: oid(1), data: bytes('old') }]);
    const committed = storage.commit([{ oid: oid(1), data: bytes('new') }]);
    const [one, other] = [await WireClient.register(server), await WireClient.register(server)];

    one.store(7, { oid: oid(1), serial: old, data: bytes('+mine') });
    assert.deepEqual(await one.call('vote', 7), [
      { oid: oid(1), serials: [committed, old], data: bytes('+mine') },
    ]);
    other.store(8, { oid: oid(2), serial: old, data: bytes('another') });
    await other.call('vote', 8);
    await other.call('tpc_finish', 8);

    one.oneWay('storea', oid(1), committed, bytes('new+mine'), 7);
    assert.deepEqual(await one.call('vote', 7), []);
    const tid = await one.call('tpc_finish', 7);
    assert.deepEqual(await one.call('loadBefore', oid(1), latest), [bytes('new+mine'), tid, null]);
  });
});
