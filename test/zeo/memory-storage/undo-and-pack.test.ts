import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStorage, ZeoServer } from '#src/zeo/server/index.js';
import { oid, record, referencesOf } from '../server/records.js';
import { WireClient } from '../server/wire-client.js';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const zero = new Uint8Array(8);

/** A storage whose clock advances by a second with each reading. */
function timedStorage() {
  let now = Date.UTC(2026, 1, 28, 23, 59);
  const storage = new MemoryStorage({ referencesOf, now: () => (now += 1000) });
  return { storage, now: () => now };
}

describe('An undo from the test', () => {
  it('restores the previous record, and notifies all clients', async () => {
    await using server = await ZeoServer.listen();
    const storage = server.storage();
    const first = storage.commit([{ oid: oid(1), data: bytes('a') }]);
    const second = storage.commit([{ oid: oid(1), data: bytes('b') }]);
    const client = await WireClient.register(server);
    const tid = storage.undo(second, { description: bytes('why') });
    assert.deepEqual((await client.notification('invalidateTransaction')).args, [tid, [oid(1)]]);
    assert.deepEqual(storage.loadSerial(oid(1), tid), bytes('a'));
    const { records, meta } = storage.transactions.at(-1) ?? {};
    assert.deepEqual(records?.[0]?.origin, first);
    assert.deepEqual(meta?.description, bytes('why'));
  });

  it('names every object that prevents it, and writes nothing', () => {
    const storage = new MemoryStorage();
    const first = storage.commit([1, 2, 3].map((number) => ({ oid: oid(number), data: bytes('a') })));
    const last = storage.commit([1, 3].map((number) => ({ oid: oid(number), data: bytes('b') })));
    assert.throws(
      () => storage.undo(first),
      (error: { className?: string; args?: { _errs: [Uint8Array, unknown][] } }) => {
        assert.equal(error.className, 'ZODB.POSException.MultipleUndoErrors');
        assert.deepEqual(
          error.args?._errs.map(([id]) => id),
          [oid(1), oid(3)],
        );
        return true;
      },
    );
    assert.deepEqual(storage.lastTransaction, last);
  });

  it('is refused between a client’s vote and its end', async () => {
    await using server = await ZeoServer.listen();
    const first = server.storage().commit([{ oid: oid(1), data: bytes('a') }]);
    const client = await WireClient.register(server);
    client.store(7, { oid: oid(2), serial: zero, data: bytes('x') });
    await client.call('vote', 7);
    assert.throws(() => server.storage().undo(first), {
      className: 'ZODB.POSException.StorageTransactionError',
    });
  });
});

describe('A pack', () => {
  it('makes the storage smaller, and sends all clients its size', async () => {
    const { storage } = timedStorage();
    await using server = await ZeoServer.listen({ storages: new Map([['1', storage]]) });
    storage.commit([{ oid: oid(0), data: record('root', oid(1)) }]);
    storage.commit([{ oid: oid(1), data: record('a') }]);
    storage.commit([{ oid: oid(1), data: record('a longer one') }]);
    const [one, other] = [await WireClient.register(server), await WireClient.register(server)];
    const before = storage.size;
    assert.equal(await one.call('pack', Date.UTC(2030) / 1000, 1), null);
    const size = before - record('a').length - 100;
    for (const client of [one, other]) {
      assert.deepEqual((await client.notification('info')).args, [{ length: 2, size }]);
    }
    assert.equal(storage.size, size);
  });

  it('keeps the revisions current at its time, and all later ones', () => {
    const { storage, now } = timedStorage();
    storage.commit([{ oid: oid(0), data: record('root') }]);
    const old = storage.commit([{ oid: oid(0), data: record('root 2') }]);
    const current = storage.commit([{ oid: oid(0), data: record('root 3') }]);
    const time = now();
    const later = storage.commit([{ oid: oid(0), data: record('root 4') }]);
    storage.pack(time);
    assert.throws(() => storage.loadSerial(oid(0), old), { code: 'ERR_ZEO_POS_KEY' });
    assert.deepEqual(storage.loadSerial(oid(0), current), record('root 3'));
    assert.deepEqual(
      storage.transactions.map(({ tid, status }) => [tid, status]),
      [
        [current, 'p'],
        [later, ' '],
      ],
    );
  });

  it('fails at a reference to a missing object, and changes nothing', () => {
    const { storage } = timedStorage();
    storage.commit([{ oid: oid(0), data: record('root', oid(9)) }]);
    storage.commit([{ oid: oid(0), data: record('root 2', oid(9)) }]);
    assert.throws(() => storage.pack(), { code: 'ERR_ZEO_POS_KEY', args: [oid(9)] });
    assert.equal(storage.transactions.length, 2);
  });

  it('without references keeps every object that was not deleted', () => {
    const storage = new MemoryStorage();
    storage.commit([1, 2].map((number) => ({ oid: oid(number), data: bytes('a') })));
    storage.commit([{ oid: oid(1), data: null }]);
    storage.pack(Date.now() + 1000);
    assert.equal(storage.length, 1);
    assert.deepEqual(storage.getTid(oid(2)), storage.transactions[0]?.tid);
  });

  it('does nothing at a time before all transactions, and fails outside of the calendar', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.register(server);
    const first = server.storage().commit([{ oid: oid(1), data: record('old') }]);
    server.storage().commit([{ oid: oid(1), data: record('new') }]);
    assert.equal(await client.call('pack', -1.5, 1), null);
    assert.equal(await client.call('pack', false, 1), null);
    assert.deepEqual(await client.call('loadSerial', oid(1), first), record('old'));
    for (const [time, className] of [
      [Number.NaN, 'builtins.ValueError'],
      [1e15, 'builtins.ValueError'],
      [-1e15, 'builtins.ValueError'],
      [Number.POSITIVE_INFINITY, 'builtins.OverflowError'],
      ['now', 'builtins.TypeError'],
    ] as const) {
      await assert.rejects(client.call('pack', time, 1), { className });
    }
  });

  it('answers a client that does not wait for it without an error', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.register(server);
    assert.equal(await client.call('pack', 'now', 0), null);
  });
});

describe('An iteration', () => {
  it('survives packs and commits, and ends at the last transaction of its start', async () => {
    const { storage, now } = timedStorage();
    await using server = await ZeoServer.listen({ storages: new Map([['1', storage]]) });
    const tids = [1, 2, 3, 4].map((number) =>
      storage.commit([{ oid: oid(0), data: record(`root ${number}`) }]),
    );
    const client = await WireClient.register(server);
    const id = await client.call('iterator_start', null, null);
    const next = async () => ((await client.call('iterator_next', id)) as [Uint8Array] | null)?.[0];
    assert.deepEqual(await next(), tids[0]);
    storage.pack(now() - 1000);
    storage.commit([{ oid: oid(0), data: record('later') }]);
    assert.deepEqual(await next(), tids[2]);
    assert.deepEqual(await next(), tids[3]);
    assert.equal(await next(), undefined);
    await assert.rejects(client.call('iterator_next', id), { className: 'builtins.KeyError', args: [id] });
  });

  it('is refused while too many are open', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.register(server);
    const ids = await Promise.all(
      Array.from({ length: 10_000 }, () => client.call('iterator_start', null, null)),
    );
    const tooMany = { className: 'ZODB.POSException.StorageError' };
    await assert.rejects(client.call('iterator_start', null, null), tooMany);
    await client.call('iterator_gc', ids.slice(0, 1));
    await client.call('iterator_start', null, null);
  });

  it('with an unknown id is a KeyError, and may be closed', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.register(server);
    for (const id of ['one', 0.5, null, oid(1), 2n ** 63n]) {
      const unknown = { className: 'builtins.KeyError', args: [id] };
      await assert.rejects(client.call('iterator_next', id), unknown);
      await assert.rejects(client.call('iterator_record_next', id), unknown);
    }
    assert.equal(await client.call('iterator_gc', ['one', 7]), null);
    await assert.rejects(client.call('iterator_gc', 1), { className: 'builtins.TypeError' });
    await assert.rejects(client.call('undoInfo', 0, -20, 'spec'), { className: 'builtins.AttributeError' });
  });

  it('of records cannot be used as one of transactions, nor the other way round', async () => {
    await using server = await ZeoServer.listen();
    const tid = server.storage().commit([{ oid: oid(1), data: record('a') }]);
    const client = await WireClient.register(server);
    const transactions = await client.call('iterator_start', null, null);
    await client.call('iterator_next', transactions);
    const records = await client.call('iterator_record_start', transactions, tid);
    const confused = { className: 'builtins.AttributeError' };
    await assert.rejects(client.call('iterator_record_next', transactions), confused);
    await assert.rejects(client.call('iterator_next', records), confused);
  });
});
