import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PythonGlobal } from '#src/python/global.js';
import { PythonObject } from '#src/python/object.js';
import { ZeoServer } from '#src/zeo/server/index.js';
import type { ServerError } from '#src/zodb/pos-exception.js';
import { oid } from './records.js';
import { WireClient } from './wire-client.js';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const zero = new Uint8Array(8);

/* The calls of a commit are one-way: ZEO's server reports what is wrong with them at the vote. */

describe('A commit with odd arguments', () => {
  let server: ZeoServer;
  let one: WireClient;

  beforeEach(async () => {
    server = await ZeoServer.listen();
    one = await WireClient.register(server);
  });
  afterEach(() => server.close());

  for (const serial of [null, 'text', 0, bytes('short'), { no: 'serial' }]) {
    it(`accepts ${JSON.stringify(serial)} as the serial of a new object only`, async () => {
      one.oneWay('tpc_begin', 7, zero, zero, {}, null, ' ');
      one.oneWay('storea', oid(1), serial, bytes('new'), 7);
      assert.deepEqual(await one.call('vote', 7), []);
      const current = await one.call('tpc_finish', 7);
      const conflicts = [
        ['storea', 'ConflictError', [bytes('late'), 8]],
        ['deleteObject', 'ConflictError', [8]],
        ['checkCurrentSerialInTransaction', 'ReadConflictError', [8]],
      ] as const;
      for (const [method, name, rest] of conflicts) {
        one.oneWay('tpc_begin', 8, zero, zero, {}, null, ' ');
        one.oneWay(method, oid(1), serial, ...rest);
        await assert.rejects(one.call('vote', 8), (error: ServerError) => {
          assert.equal(error.className, `ZODB.POSException.${name}`);
          assert.deepEqual((error.args as { serials: unknown }).serials, [current, serial]);
          return true;
        });
      }
      assert.equal(await one.call('ping'), null);
    });
  }

  it('fails its vote, not its connection, when a one-way call is wrong', async () => {
    const tid = server.storage().commit([{ oid: oid(1), data: bytes('a') }]);
    for (const [className, method, ...args] of [
      ['builtins.TypeError', 'storea', 'oid', zero, bytes('data')],
      ['builtins.TypeError', 'storea', oid(2), zero, 'data'],
      ['builtins.ValueError', 'storea', bytes('short'), zero, bytes('data')],
      ['ZODB.POSException.POSKeyError', 'deleteObject', 1, tid],
      ['ZODB.POSException.POSKeyError', 'deleteObject', bytes('short'), tid],
      ['ZODB.POSException.POSKeyError', 'checkCurrentSerialInTransaction', null, tid],
      ['struct.error', 'restorea', oid(2), null, bytes('data'), null],
      ['builtins.TypeError', 'restorea', oid(2), tid, 1, null],
      ['ZODB.POSException.UndoError', 'restorea', oid(2), tid, bytes('data'), 'origin'],
      ['ZODB.POSException.UndoError', 'restorea', oid(2), tid, bytes('data'), oid(3)],
      ['builtins.TypeError', 'undoa', null],
      ['builtins.AssertionError', 'undoa', bytes('')],
      ['binascii.Error', 'undoa', bytes('abc')],
    ] as const) {
      one.oneWay('tpc_begin', 7, zero, zero, {}, null, ' ');
      one.oneWay(method, ...args, 7);
      await assert.rejects(one.call('vote', 7), { className }, method);
      assert.equal(await one.call('tpc_abort', 7), null);
    }
    for (const [className, ...demands] of [
      ['builtins.ValueError', bytes('short'), ' '],
      ['builtins.TypeError', 1, ' '],
      ['builtins.ValueError', null, 'x'],
    ] as const) {
      one.oneWay('tpc_begin', 7, 'user', 'description', null, ...demands);
      await assert.rejects(one.call('vote', 7), { className });
    }
    assert.equal(server.storage().commitLock.isLocked, false);
    assert.equal(server.storage().length, 1);
  });

  it('has its user and description as bytes, and an empty extension for None', async () => {
    await assert.rejects(one.call('tpc_begin', 7, null, zero, {}), { className: 'builtins.AttributeError' });
    await one.call('tpc_begin', 7, 'Jürgen', bytes('note'), null);
    await one.call('storea', oid(1), null, bytes('data'), 7);
    await one.call('vote', 7);
    await one.call('tpc_finish', 7);
    const [entry] = (await one.call('history', oid(1))) as readonly Record<string, unknown>[];
    assert.deepEqual(entry?.user_name, bytes('Jürgen'));
    const id = await one.call('iterator_start', null, null);
    const transaction = (await one.call('iterator_next', id)) as readonly unknown[];
    assert.deepEqual(transaction.slice(2), [bytes('Jürgen'), bytes('note'), {}]);
  });

  it('ends the connection when arguments that should be short are too long', async () => {
    await using small = await ZeoServer.listen({ maxTransactionBytes: 10_000 });
    for (const serial of ['x'.repeat(10_000), Array.from({ length: 100 }, () => null)]) {
      const client = await WireClient.register(small);
      client.oneWay('tpc_begin', 7, zero, zero, {}, null, ' ');
      client.oneWay('storea', oid(1), serial, bytes('data'), 7);
      await assert.rejects(client.call('vote', 7), /Connection closed/);
    }
  });

  it('points to the record that it restores where that is the same', async () => {
    const [first, second] = ['a', 'b'].map((text) =>
      server.storage().commit([{ oid: oid(1), data: bytes(text) }]),
    ) as [Uint8Array, Uint8Array];
    one.oneWay('tpc_begin', 7, zero, zero, {}, null, ' ');
    one.oneWay('restorea', oid(1), zero, bytes('a'), first, 7);
    one.oneWay('restorea', oid(2), zero, bytes('c'), second, 7);
    one.oneWay('restorea', oid(3), zero, null, null, 7);
    await one.call('vote', 7);
    const tid = (await one.call('tpc_finish', 7)) as Uint8Array;
    const written = server
      .storage()
      .transactions.find((transaction) => Buffer.compare(transaction.tid, tid) === 0);
    assert.deepEqual(
      written?.records.map(({ origin }) => origin),
      [first, null, null],
    );
    one.oneWay('tpc_begin', 8, zero, zero, {}, null, ' ');
    one.oneWay('restorea', oid(1), zero, bytes('not b'), second, 8);
    await one.call('vote', 8);
    await one.call('tpc_finish', 8);
    assert.deepEqual(server.storage().loadSerial(oid(1), server.storage().lastTransaction), bytes('not b'));
  });

  it('is described by a ValueError to clients whose encoding cannot carry its extension', async () => {
    const set = new PythonObject(new PythonGlobal('builtins', 'set'), [['a']]);
    await one.call('tpc_begin', 7, zero, zero, { set }, null, ' ');
    await one.call('storea', oid(1), zero, bytes('data'), 7);
    await one.call('vote', 7);
    await one.call('tpc_finish', 7);
    await using other = await ZeoServer.listen({ encoding: 'M5', storages: server.storages });
    const client = await WireClient.register(other);
    await assert.rejects(client.call('undoLog', 0, -1), {
      className: 'builtins.ValueError',
      args: ["Couldn't pickle response"],
    });
    assert.equal(await client.call('ping'), null);
    const [entry] = (await one.call('undoLog', 0, -1)) as readonly { set: unknown }[];
    assert.deepEqual(entry?.set, set);
  });
});
