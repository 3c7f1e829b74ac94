import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ZeoServer } from '#src/zeo/server/index.js';
import { WireClient } from '../server/wire-client.js';

const oid = (number: number) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, number]);
const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const latest = Uint8Array.from([0x7f, 255, 255, 255, 255, 255, 255, 255]);
const zero = new Uint8Array(8);

describe('A commit', () => {
  let server: ZeoServer;
  let one: WireClient;
  let other: WireClient;

  beforeEach(async () => {
    server = await ZeoServer.listen();
    one = await WireClient.register(server);
    other = await WireClient.register(server);
  });
  afterEach(() => server.close());

  /** Resolves when the server has performed all calls of `client`. */
  const settled = (client: WireClient) => client.call('ping');
  const waiting = async () => ((await one.call('server_status')) as { waiting: number }).waiting;

  it('writes its objects with the id that tpc_finish returns', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('hello') });
    assert.deepEqual(await one.call('vote', 7), []);
    const tid = (await one.call('tpc_finish', 7)) as Uint8Array;
    assert.deepEqual(await other.call('loadBefore', oid(1), latest), [bytes('hello'), tid, null]);
    assert.deepEqual(server.storage().lastTransaction, tid);
    assert.deepEqual(server.storage().transactions.at(-1)?.meta.description, bytes('note'));
  });

  it('sends the committer the new size before the reply, and others invalidations', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('hello') });
    await one.call('vote', 7);
    const tid = await one.call('tpc_finish', 7);
    assert.deepEqual(one.arrivals.slice(-2), [
      { method: 'info', args: [{ length: 1, size: 155 }] },
      { method: 'reply', args: [3] },
    ]);
    assert.deepEqual((await other.notification('invalidateTransaction')).args, [tid, [oid(1)]]);
    await settled(one);
    assert.equal(one.notifications.length, 1);
  });

  // ConnectionTests.checkCrossDBInvalidations, for each storage its own
  it('is announced to clients of its own storage only', async () => {
    const storages = new Map([
      ...server.storages,
      ...(await ZeoServer.listen({ storages: ['2'] }).then(close)),
    ]);
    await using both = await ZeoServer.listen({ storages });
    const first = await WireClient.register(both, '1');
    const second = await WireClient.register(both, '2');
    both.storage('2').commit([{ oid: oid(1), data: bytes('x') }]);
    await second.notification('invalidateTransaction');
    await settled(first);
    assert.deepEqual(first.notifications, []);

    async function close(made: ZeoServer) {
      await made.close();
      return made.storages;
    }
  });

  it('based on an old revision fails its vote with a ConflictError, and is over', async () => {
    const old = server.storage().commit([{ oid: oid(1), data: bytes('a') }]);
    const current = server.storage().commit([{ oid: oid(1), data: bytes('b') }]);
    const record = bytes('\u0003cpersistent.mapping\nPersistentMapping\nq\u0001.rest');
    one.store(7, { oid: oid(1), serial: old, data: Uint8Array.from([0x80, ...record]) });
    await assert.rejects(one.call('vote', 7), {
      className: 'ZODB.POSException.ConflictError',
      args: {
        message: 'database conflict error',
        oid: oid(1),
        class_name: 'persistent.mapping.PersistentMapping',
        serials: [current, old],
      },
    });
    await assert.rejects(one.call('vote', 7), { className: 'ZODB.POSException.StorageTransactionError' });
    assert.equal(await one.call('tpc_abort', 7), null);
    assert.equal(((await one.call('server_status')) as { conflicts: number }).conflicts, 1);
  });

  it('that relies on an object which has changed fails with a ReadConflictError', async () => {
    const old = server.storage().commit([{ oid: oid(1), data: bytes('a') }]);
    server.storage().commit([{ oid: oid(1), data: bytes('b') }]);
    one.store(7, { oid: oid(2), serial: zero, data: bytes('new') });
    one.oneWay('checkCurrentSerialInTransaction', oid(1), old, 7);
    await assert.rejects(one.call('vote', 7), { className: 'ZODB.POSException.ReadConflictError' });
  });

  it('deletes objects but keeps their older revisions', async () => {
    const serial = server.storage().commit([{ oid: oid(1), data: bytes('a') }]);
    one.oneWay('tpc_begin', 7, zero, zero, {}, null, ' ');
    one.oneWay('deleteObject', oid(1), serial, 7);
    await one.call('vote', 7);
    const tid = (await one.call('tpc_finish', 7)) as Uint8Array;
    await assert.rejects(one.call('loadBefore', oid(1), latest), { code: 'ERR_ZEO_POS_KEY' });
    assert.deepEqual(await one.call('loadBefore', oid(1), tid), [bytes('a'), serial, tid]);
  });

  it('waits with its vote for another one, and then sees what that wrote', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('first') });
    other.store(8, { oid: oid(1), serial: zero, data: bytes('second') });
    await one.call('vote', 7);
    const refused = assert.rejects(other.call('vote', 8), { className: 'ZODB.POSException.ConflictError' });
    while ((await waiting()) === 0);
    await one.call('tpc_finish', 7);
    await refused;
    // The invalidations of the finish precede the answer to the waiting vote.
    assert.deepEqual(
      other.arrivals.slice(-2).map(({ method }) => method),
      ['invalidateTransaction', 'reply'],
    );
  });

  it('that waits goes on when the committer aborts', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('first') });
    other.store(8, { oid: oid(1), serial: zero, data: bytes('second') });
    await one.call('vote', 7);
    const voted = other.call('vote', 8);
    while ((await waiting()) === 0);
    one.oneWay('tpc_abort', 7);
    assert.deepEqual(await voted, []);
  });

  it('that waits goes on when the committer is disconnected', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('first') });
    other.store(8, { oid: oid(1), serial: zero, data: bytes('second') });
    await one.call('vote', 7);
    const voted = other.call('vote', 8);
    while ((await waiting()) === 0);
    await one.close();
    assert.deepEqual(await voted, []);
    await other.call('tpc_finish', 8);
    assert.equal(server.storage().length, 1);
  });

  it('that is aborted while it waits is answered, and leaves the queue', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('first') });
    other.store(8, { oid: oid(1), serial: zero, data: bytes('second') });
    await one.call('vote', 7);
    const refused = assert.rejects(other.call('vote', 8), {
      className: 'ZODB.POSException.StorageTransactionError',
    });
    other.oneWay('tpc_abort', 8);
    await refused;
    assert.equal(await waiting(), 0);
  });

  it('of a client that is disconnected before it finishes leaves nothing behind', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('hello') });
    await one.call('vote', 7);
    await one.close();
    await settled(other);
    assert.equal(server.storage().length, 0);
    const status = (await other.call('server_status')) as { aborts: number; connections: number };
    assert.equal(status.aborts, 1);
    assert.equal(status.connections, 1);
  });

  it('cannot be finished before its vote', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('hello') });
    await assert.rejects(one.call('tpc_finish', 7), { className: 'builtins.AssertionError' });
  });

  it('from the test is refused between a client’s vote and its end', async () => {
    one.store(7, { oid: oid(1), serial: zero, data: bytes('hello') });
    await one.call('vote', 7);
    assert.throws(() => server.storage().commit([{ oid: oid(1), data: bytes('x') }]), {
      className: 'ZODB.POSException.StorageTransactionError',
    });
  });

  it('with a one-way call that fails ends the connection', async () => {
    one.oneWay('storea', oid(1), zero, bytes('no transaction'), 7);
    await one.closed;
  });
});
