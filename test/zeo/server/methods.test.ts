import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MemoryStorage, ZeoServer } from '#src/zeo/server/index.js';
import { WireClient } from './wire-client.js';

const oid = (number: number) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, number]);
const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const latest = Uint8Array.from([0x7f, 255, 255, 255, 255, 255, 255, 255]);
const zero = new Uint8Array(8);

for (const encoding of ['Z5', 'M5'] as const) {
  describe(`A server that speaks ${encoding}`, () => {
    let server: ZeoServer;
    before(async () => {
      server = await ZeoServer.listen({ encoding, storages: ['1', 'temporary'] });
    });
    after(() => server.close());

    it('announces its protocol and answers registrations with the last transaction', async () => {
      const client = await WireClient.connect(server);
      assert.equal(client.protocol, encoding);
      assert.deepEqual(await client.call('register', 'temporary', false), zero);
      await client.close();
    });

    it('answers get_info with the keys of ZEO’s own server', async () => {
      const client = await WireClient.register(server, 'temporary');
      assert.deepEqual(await client.call('get_info'), {
        length: 0,
        size: 0,
        name: 'temporary',
        supportsUndo: true,
        supports_record_iternext: true,
        interfaces: [
          ['ZODB.interfaces', 'IStorageRestoreable'],
          ['ZODB.interfaces', 'IStorageIteration'],
          ['ZODB.interfaces', 'IStorageUndoable'],
          ['ZODB.interfaces', 'IStorageCurrentRecordIteration'],
          ['ZODB.interfaces', 'IExternalGC'],
          ['ZODB.interfaces', 'IStorage'],
          ['zope.interface', 'Interface'],
        ],
      });
      await client.close();
    });

    it('answers a ping with None', async () => {
      const client = await WireClient.register(server);
      assert.equal(await client.call('ping'), null);
      await client.close();
    });

    it('loads the revision before a transaction, and says when it ended', async () => {
      const client = await WireClient.register(server);
      const first = server.storage().commit([{ oid: oid(1), data: bytes('one') }]);
      const second = server.storage().commit([{ oid: oid(1), data: bytes('two') }]);
      assert.deepEqual(await client.call('loadBefore', oid(1), latest), [bytes('two'), second, null]);
      assert.deepEqual(await client.call('loadBefore', oid(1), second), [bytes('one'), first, second]);
      assert.equal(await client.call('loadBefore', oid(1), first), null);
      assert.deepEqual(await client.call('loadSerial', oid(1), first), bytes('one'));
      assert.deepEqual(await client.call('getTid', oid(1)), second);
      assert.deepEqual(await client.call('lastTransaction'), second);
      await client.close();
    });

    it('answers the load of a missing object with a POSKeyError that names it', async () => {
      const client = await WireClient.register(server);
      const missing = {
        code: 'ERR_ZEO_POS_KEY',
        className: 'ZODB.POSException.POSKeyError',
        args: [oid(99)],
      };
      await assert.rejects(client.call('loadBefore', oid(99), latest), missing);
      await assert.rejects(client.call('loadSerial', oid(99), zero), missing);
      await assert.rejects(client.call('getTid', oid(99)), missing);
      await client.close();
    });

    it('answers server_status with the keys of ZEO’s own server', async () => {
      await using server = await ZeoServer.listen({ encoding });
      const client = await WireClient.register(server);
      const { start, ...status } = (await client.call('server_status')) as Record<string, unknown>;
      assert.match(String(start), /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/);
      assert.deepEqual(status, {
        connections: 1,
        loads: 0,
        stores: 0,
        commits: 0,
        aborts: 0,
        active_txns: 0,
        lock_time: null,
        conflicts: 0,
        conflicts_resolved: 0,
        waiting: 0,
        'timeout-thread-is-alive': 'stub',
        'last-transaction': '0000000000000000',
      });
    });

    it('hands out object ids once, at most a hundred at a time', async () => {
      const client = await WireClient.register(server, 'temporary');
      assert.deepEqual(await client.call('new_oids', 2), [oid(1), oid(2)]);
      assert.equal(((await client.call('new_oids', 1000)) as unknown[]).length, 100);
      assert.deepEqual(await client.call('new_oids', 0), [oid(103)]);
      await client.close();
    });

    it('remembers the label of a client', async () => {
      const client = await WireClient.register(server, 'temporary');
      client.oneWay('set_client_label', 'app one');
      await client.call('ping');
      const [connection] = [...server.connections].slice(-1);
      assert.equal(connection?.label, 'app one');
      assert.equal(connection?.storageId, 'temporary');
      await client.close();
    });

    it('answers calls for blobs as a storage without blobs does', async () => {
      const client = await WireClient.register(server);
      const refused = { className: 'builtins.TypeError', args: ['Blobs are not supported'] };
      await assert.rejects(client.call('sendBlob', oid(1), zero), refused);
      await assert.rejects(client.call('storeBlobStart'), refused);
      assert.equal(await client.call('ping'), null);
      await client.close();
    });

    it('answers too many or too few arguments with Python’s TypeError', async () => {
      const client = await WireClient.register(server);
      for (const [method, args, message] of [
        ['ping', [1, 2], 'ping() takes 1 positional argument but 3 were given'],
        ['history', [oid(1), 1, 2], 'history() takes from 2 to 3 positional arguments but 4 were given'],
        ['loadBefore', [oid(1)], "loadBefore() missing 1 required positional argument: 'tid'"],
        ['undoLog', [], "undoLog() missing 2 required positional arguments: 'first' and 'last'"],
        ['storea', [oid(1)], "storea() missing 3 required positional arguments: 'serial', 'data', and 'id'"],
      ] as const) {
        await assert.rejects(client.call(method, ...args), {
          className: 'builtins.TypeError',
          args: [`ZEOStorage.${message}`],
        });
      }
      assert.equal(await client.call('ping'), null);
      await client.close();
    });

    it('distinguishes None from a missing argument', async () => {
      const client = await WireClient.register(server);
      const wrong = { className: 'builtins.TypeError' };
      server.storage().commit([{ oid: oid(7), data: bytes('one') }]);
      assert.equal(((await client.call('history', oid(7))) as unknown[]).length, 1);
      await assert.rejects(client.call('history', oid(7), null), wrong);
      assert.equal(((await client.call('new_oids')) as unknown[]).length, 100);
      await assert.rejects(client.call('new_oids', null), wrong);
      await assert.rejects(client.call('new_oids', 1.5), wrong);
      await client.close();
    });

    it('finds no object by an oid of another length or type', async () => {
      const client = await WireClient.register(server);
      for (const oid of [bytes(''), bytes('abc'), bytes('123456789'), 'text', null, 1]) {
        const missing = { className: 'ZODB.POSException.POSKeyError', args: [oid] };
        await assert.rejects(client.call('loadBefore', oid, latest), missing);
        await assert.rejects(client.call('getTid', oid), missing);
        await assert.rejects(client.call('history', oid, null), missing);
      }
      await assert.rejects(client.call('getTid', {}), { className: 'builtins.TypeError' });
      await client.close();
    });
  });
}

describe('Registration', () => {
  it('of an unknown storage fails, and the client may try another', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.connect(server);
    const unknown = { className: 'builtins.ValueError', args: ['unknown storage: nope'] };
    await assert.rejects(client.call('register', 'nope', false), unknown);
    assert.deepEqual(await client.call('register', '1', false), zero);
  });

  it('of a writer with a read-only server fails, and it may register read-only', async () => {
    await using server = await ZeoServer.listen({ readOnly: true });
    const client = await WireClient.connect(server);
    await assert.rejects(client.call('register', '1', false), { code: 'ERR_ZEO_READ_ONLY', args: [] });
    assert.deepEqual(await client.call('register', '1', true), zero);
    await assert.rejects(client.call('new_oids'), { code: 'ERR_ZEO_READ_ONLY' });
    await assert.rejects(client.call('tpc_begin', 1, zero, zero, {}, null, ' '), {
      code: 'ERR_ZEO_READ_ONLY',
    });
  });

  it('depends on the read-only mode at the time, and is not revoked later', async () => {
    await using server = await ZeoServer.listen();
    const writer = await WireClient.register(server);
    server.readOnly = true;
    const late = await WireClient.connect(server);
    await assert.rejects(late.call('register', '1', false), { code: 'ERR_ZEO_READ_ONLY' });
    writer.store(1, { oid: oid(1), serial: zero, data: bytes('x') });
    await writer.call('vote', 1);
    await writer.call('tpc_finish', 1);
    server.readOnly = false;
    await late.call('register', '1', false);
    late.store(1, { oid: oid(2), serial: zero, data: bytes('y') });
    assert.deepEqual(await late.call('vote', 1), []);
  });

  it('ends the connection when repeated', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.register(server);
    await assert.rejects(client.call('register', '1', false), /Connection closed/);
  });

  it('is required before any other call, which ends the connection', async () => {
    await using server = await ZeoServer.listen();
    const client = await WireClient.connect(server);
    await assert.rejects(client.call('get_info'), /Connection closed/);
  });
});

describe('Invalidations', () => {
  it('since a transaction name every object once, up to the last transaction', async () => {
    await using server = await ZeoServer.listen();
    const storage = server.storage();
    const first = storage.commit([{ oid: oid(1), data: bytes('a') }]);
    storage.commit([{ oid: oid(2), data: bytes('b') }]);
    const last = storage.commit([
      { oid: oid(2), data: bytes('c') },
      { oid: oid(3), data: bytes('d') },
    ]);
    const client = await WireClient.register(server);
    assert.deepEqual(await client.call('getInvalidations', first), [last, [oid(2), oid(3)]]);
    assert.deepEqual(await client.call('getInvalidations', last), [last, []]);
  });

  it('since a transaction too long ago are unknown', async () => {
    const storage = new MemoryStorage({ invalidationQueueSize: 2 });
    const [first, second] = [1, 2, 3].map((number) =>
      storage.commit([{ oid: oid(number), data: bytes('x') }]),
    );
    assert.equal(storage.getInvalidations(first as Uint8Array), null);
    assert.deepEqual(storage.getInvalidations(second as Uint8Array)?.oids, [oid(3)]);
  });
});
