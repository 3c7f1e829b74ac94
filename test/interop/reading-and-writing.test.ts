import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { OutcomeUnknown } from '#src/zeo/storage/outcome-unknown.js';
import type { Transaction } from '#src/zeo/storage/transaction.js';
import { formatId, idFromBigInt, idToBigInt, parseId, zeroId } from '#src/zodb/ids.js';
import { ConflictError, ReadConflictError, UndoError } from '#src/zodb/pos-exception.js';
import { openPythonClient, type PythonClient } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { type PythonZeoServer, startZeoServer } from '../support/python/zeo-server.js';
import { Relay, type RelayedConnection } from '../support/relay.js';
import { lengthRecord, mappingRecord } from './records.js';

const root = zeroId;
const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const digestOf = async (storage: ClientStorage, oid: string) =>
  digest((await storage.load(parseId(oid))).data);

/** Resolves when the storage has received the invalidations of a transaction. */
async function whenInvalidated(storage: ClientStorage, tid: string): Promise<void> {
  while (formatId(storage.lastTransaction() as Uint8Array) < tid) await once(storage, 'invalidated');
}

/** Our client next to ZEO's own, on ZEO's own server. */
for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const msgpack of [false, true]) {
    describe(`A storage next to a Python client on ZEO ${version} with ${msgpack ? 'M5' : 'Z5'}`, {
      skip: missing,
    }, () => {
      let server: PythonZeoServer;
      let python: PythonClient;
      let storage: ClientStorage;
      before(async () => {
        server = await startZeoServer({ version, msgpack });
        python = await openPythonClient(version, { address: [server.host, server.port] });
        await python.call('open_db');
        storage = await ClientStorage.open({ address: server.address, reconnectMaxDelay: 0.5 });
      });
      after(async () => {
        await storage?.close();
        await python?.close();
        await server?.stop();
      });
      const commit = (oid: Uint8Array, serial: Uint8Array, data: Uint8Array, description = '') =>
        storage.commit({ description }, (transaction) => transaction.store(oid, serial, data));
      /** A new object that only Node knows, and its first transaction. */
      const created = async (data: Uint8Array) => {
        const oid = await storage.newOid();
        return { oid, serial: await commit(oid, zeroId, data) };
      };

      // BasicStorage.testStoreAndLoad, testNote; testZEO.checkZEOInvalidation
      it('writes what Python reads, and reads what Python writes', async () => {
        const { serial } = await storage.load(root);
        const tid = await commit(root, serial, mappingRecord({ greeting: 'from Node ☃' }), 'a note');
        assert.deepEqual(await python.call('wait_invalidation', { tid: formatId(tid) }), [formatId(root)]);
        assert.equal(await python.call('get', { key: 'greeting' }), 'from Node ☃');
        const [entry] = await python.call<{ description: string }[]>('history', {
          oid: formatId(root),
          size: 1,
        });
        assert.equal(entry?.description, 'a note');

        await whenInvalidated(storage, await python.call('set', { key: 'greeting', value: 'from Python' }));
        assert.match(Buffer.from((await storage.load(root)).data).toString('latin1'), /from Python/);
        const past = await storage.loadBefore(root, idFromBigInt(idToBigInt(tid) + 1n));
        assert.deepEqual(past && [past.serial, Buffer.from(past.data).includes('from Node')], [tid, true]);
        assert.deepEqual(await storage.loadSerial(root, tid), past?.data);
      });

      // BasicStorage.testStoreTwoObjects; ConnectionTests.checkBasicPersistence
      it('writes a thousand objects at once, and reads as many of Python’s', async () => {
        const oids: string[] = [];
        const tid = await storage.commit({}, async (transaction) => {
          for (let number = 0; number < 1000; number++) {
            const oid = await storage.newOid();
            oids.push(formatId(oid));
            await transaction.store(oid, zeroId, mappingRecord({ number }));
          }
        });
        assert.equal(new Set(oids).size, 1000);
        await python.call('wait_invalidation', { tid: formatId(tid) });
        assert.deepEqual(await python.call('read_number', { oids }), [...Array(1000).keys()]);

        const theirs = await python.call<string[]>('add_objects', { count: 1000 });
        await storage.sync();
        const digests = await python.call('digest', { oids: theirs });
        assert.deepEqual(await Promise.all(theirs.map((oid) => digestOf(storage, oid))), digests);
      });

      // BasicStorage.testConflicts; ConflictResolution.testUnresolvable
      it('gets conflicts with commits of Python, and vice versa', async () => {
        await whenInvalidated(storage, await python.call('set', { key: 'greeting', value: 'first' }));
        const { serial } = await storage.load(root);
        const second = await python.call<string>('set', { key: 'greeting', value: 'second' });
        const error = await commit(root, serial, mappingRecord({ greeting: 'late' })).catch(
          (reason) => reason,
        );
        assert.ok(error instanceof ConflictError && !(error instanceof ReadConflictError));
        assert.deepEqual(error.oid && formatId(error.oid), formatId(root));
        assert.equal(error.objectClass, 'persistent.mapping.PersistentMapping');
        assert.deepEqual(error.serials?.map(formatId), [second, formatId(serial)]);
        assert.match(Buffer.from((await storage.load(root)).data).toString('latin1'), /second/);

        await python.call('begin');
        await commit(root, parseId(second), mappingRecord({ greeting: 'quicker' }));
        await python.call('stage', { key: 'greeting', value: 'slower' });
        await assert.rejects(python.call('commit'), { type: 'ZODB.POSException.ConflictError' });
        assert.equal(await python.call('get', { key: 'greeting' }), 'quicker');
      });

      // ConflictResolution.checkResolve
      it('learns which conflicts the server resolved, and reads the result', async () => {
        const { oid, serial } = await created(lengthRecord(0));
        const five = await commit(oid, serial, lengthRecord(5));
        await using transaction = await storage.tpcBegin();
        await transaction.store(oid, serial, lengthRecord(10));
        assert.deepEqual((await transaction.tpcVote()).map(formatId), [formatId(oid)]);
        const tid = await transaction.tpcFinish();
        assert.deepEqual((await storage.load(oid)).data.at(-2), 15);
        assert.deepEqual((await storage.load(oid)).serial, tid);
        assert.deepEqual((await storage.loadBefore(oid, tid))?.serial, five);
      });

      // BasicStorage.test_checkCurrentSerialInTransaction
      it('fails the vote if an object it depends on has changed', async () => {
        const relied = await created(mappingRecord({ number: 1 }));
        const written = await storage.newOid();
        const now = await commit(relied.oid, relied.serial, mappingRecord({ number: 2 }));
        const relyingOn = (serial: Uint8Array) =>
          storage.commit({}, async (transaction) => {
            await transaction.checkCurrentSerialInTransaction(relied.oid, serial);
            await transaction.store(written, zeroId, mappingRecord({}));
          });
        await assert.rejects(relyingOn(relied.serial), (error) => {
          assert.ok(error instanceof ReadConflictError);
          assert.deepEqual(error.serials?.map(formatId), [now, relied.serial].map(formatId));
          return true;
        });
        await relyingOn(now);
      });

      // TransactionalUndoStorage.testSimpleTransactionalUndo, testNotUndoable, testUndoLogMetadata
      it('undoes transactions, also of Python, or gets an error', async () => {
        await whenInvalidated(
          storage,
          await python.call('set', { key: 'greeting', value: 'before', note: 'keep' }),
        );
        await whenInvalidated(
          storage,
          await python.call('set', { key: 'greeting', value: 'mistake', note: 'undo me' }),
        );
        const [last] = await storage.undoLog(0, 1);
        assert.equal(last?.description, 'undo me');
        assert.ok(Math.abs((last?.time ?? 0) - Date.now() / 1000) < 3600);
        const transaction = await storage.tpcBegin({ user: 'anna', extension: { why: 'mistaken' } });
        await transaction.undo(last?.id as Uint8Array);
        assert.deepEqual((await transaction.tpcVote()).map(formatId), [formatId(root)]);
        const tid = await transaction.tpcFinish();
        await python.call('wait_invalidation', { tid: formatId(tid) });
        assert.equal(await python.call('get', { key: 'greeting' }), 'before');
        assert.match(Buffer.from((await storage.load(root)).data).toString('latin1'), /before/);
        const [undone] = await storage.undoInfo(0, -20, { user_name: 'anna' });
        assert.deepEqual([undone?.user, undone?.extension.why], ['anna', 'mistaken']);
        // A later transaction depends on it.
        await whenInvalidated(storage, await python.call('set', { key: 'other', value: 1 }));
        await assert.rejects(
          storage.commit({}, (again) => again.undo(undone?.id as Uint8Array)),
          UndoError,
        );
        await storage.commit({}, () => {});
      });

      // HistoryStorage.testSimpleHistory
      it('reads the history of an object', async () => {
        const { oid, serial } = await created(mappingRecord({ number: 1 }));
        const second = await storage.commit(
          { user: 'anna', description: 'grüße', extension: { n: 2 } },
          (transaction) => transaction.store(oid, serial, mappingRecord({ number: 2 })),
        );
        const entries = await storage.history(oid, 10);
        assert.deepEqual(
          entries.map(({ tid }) => formatId(tid)),
          [second, serial].map(formatId),
        );
        const [{ user, description, extension, size, time } = assert.fail()] = entries;
        assert.deepEqual(
          [user, description, extension.n, size],
          ['anna', 'grüße', 2, mappingRecord({ number: 2 }).length],
        );
        assert.ok(Math.abs(time - Date.now() / 1000) < 3600);
        assert.equal((await storage.history(oid)).length, 1);
        await assert.rejects(storage.history(idFromBigInt(2n ** 60n)), { code: /ERR_ZEO_POS_KEY/ });
      });

      // IteratorStorage.testSimpleIteration, testIterateRepeatedly; IterationTests.checkIteratorExhaustionStorage
      it('iterates over transactions and records as Python does', async () => {
        interface Listed {
          tid: string;
          description: string;
          records: [oid: string, dataTid: string | null][];
        }
        const expected = await python.call<Listed[]>('iterate');
        const listed: Listed[] = [];
        for await (const transaction of storage.iterator()) {
          const records: Listed['records'] = [];
          for await (const { oid, dataTid } of transaction)
            records.push([formatId(oid), dataTid && formatId(dataTid)]);
          const description = Buffer.from(transaction.description).toString('hex');
          listed.push({ tid: formatId(transaction.tid), description, records });
        }
        assert.deepEqual(
          listed,
          expected.map(({ tid, description, records }) => ({ tid, description, records })),
        );
        const [start, stop] = [expected[2]?.tid, expected[4]?.tid].map((tid) => parseId(tid as string));
        const some: string[] = [];
        for await (const { tid } of storage.iterator(start, stop)) some.push(formatId(tid));
        assert.deepEqual(
          some,
          expected.slice(2, 5).map(({ tid }) => tid),
        );
        const current: string[][] = [];
        for await (const { oid, tid } of storage.currentRecords())
          current.push([formatId(oid), formatId(tid)]);
        assert.deepEqual(current, await python.call('current_records'));
      });

      // IterationTests.checkIteratorGCProtocol, checkIteratorGCStorageDisconnect
      it('closes an iterator on return, and loses it with the connection', async () => {
        for await (const transaction of storage.iterator()) {
          for await (const _ of transaction) break;
          break;
        }
        await storage.sync();
        const iterator = storage.iterator();
        const first = await iterator.next();
        const second = await iterator.next();
        assert.throws(() => first.value?.[Symbol.asyncIterator](), { code: 'ERR_ZEO_TRANSACTION' });
        assert.ok(!second.done);
        const connected = once(storage, 'connected');
        storage.drop(new Error('cut'), storage.generation);
        await assert.rejects(iterator.next(), { code: 'ERR_ZEO_DISCONNECTED' });
        await connected;
      });

      // PackableStorage.testPackJustOldRevisions; TransactionalUndoStorage
      it('packs the storage, which removes old revisions', async () => {
        const tid = parseId(await python.call<string>('set', { key: 'greeting', value: 'old' }));
        const now = parseId(await python.call<string>('set', { key: 'greeting', value: 'new' }));
        await storage.sync();
        assert.ok(await storage.loadSerial(root, tid));
        const size = storage.getSize();
        await storage.pack({ before: new Date(Date.now() + 1000) });
        await assert.rejects(storage.loadSerial(root, tid), { code: 'ERR_ZEO_POS_KEY' });
        assert.deepEqual(await storage.getTid(root), now);
        await storage.sync();
        assert.ok(storage.getSize() < size, 'expected the server to have reported a smaller size');
        assert.equal(await python.call('get', { key: 'greeting' }), 'new');
      });

      // ZODB.tests: IExternalGC
      it('deletes an object, which can no longer be loaded', async () => {
        const { oid, serial } = await created(mappingRecord({}));
        await storage.commit({}, (transaction) => transaction.deleteObject(oid, serial));
        await assert.rejects(storage.load(oid), { code: 'ERR_ZEO_POS_KEY' });
      });

      it('finds out whether a transaction with a lost reply was committed', async () => {
        await using relay = await Relay.listen(server.address);
        await using far = await ClientStorage.open({ address: relay.address, reconnectMaxDelay: 0.1 });
        for (const direction of ['toServer', 'toClient'] as const) {
          const oid = await far.newOid();
          const transaction = await far.tpcBegin();
          await transaction.store(oid, zeroId, mappingRecord({ direction }));
          await transaction.tpcVote();
          const connected = once(far, 'connected');
          (relay.current as RelayedConnection)[direction].manner = { kind: 'swallow' };
          const finishing = transaction.tpcFinish().catch((reason: unknown) => reason);
          if (direction === 'toClient') await once(storage, 'invalidated');
          relay.current?.reset();
          const error = await finishing;
          assert.ok(error instanceof OutcomeUnknown);
          await connected;
          const tid = await far.outcomeOf(error);
          if (direction === 'toServer') assert.equal(tid, undefined);
          else assert.deepEqual((await far.load(oid)).serial, tid);
          if (tid === undefined) await assert.rejects(far.load(oid), { code: 'ERR_ZEO_POS_KEY' });
          else {
            const replaced = (transaction: Transaction) => transaction.store(oid, tid, mappingRecord({}));
            await far.commit({}, replaced);
            await far.pack({ before: new Date(Date.now() + 1000) });
            await assert.rejects(far.outcomeOf(error), { code: 'ERR_ZEO_OUTCOME_LOST' });
          }
        }
      });
    });
  }

  describe(`Two servers of ZEO ${version}`, { skip: missing }, () => {
    // ReconnectionTests.checkReconnectUpgrade
    it('serve a storage read-only until one of them is writable', async () => {
      const readOnly = await startZeoServer({ version, storage: 'mapping', readOnly: true });
      const writable = await startZeoServer({ version, storage: 'mapping' });
      await writable.kill();
      try {
        await using storage = await ClientStorage.open({
          addresses: [readOnly.address, writable.address],
          readOnlyFallback: true,
          reconnectMaxDelay: 0.1,
        });
        assert.equal(storage.isReadOnly(), true);
        await assert.rejects(storage.tpcBegin(), { code: 'ERR_ZEO_READ_ONLY' });
        const connected = once(storage, 'connected');
        await writable.start();
        await connected;
        assert.deepEqual([storage.address, storage.isReadOnly()], [writable.address, false]);
        await storage.commit({}, (transaction) => transaction.store(root, zeroId, mappingRecord({})));
      } finally {
        await readOnly.stop();
        await writable.stop();
      }
    });
  });

  describe(`Conflicts that ZEO ${version} leaves to its clients`, { skip: missing }, () => {
    // test_client_side_conflict_resolution.test_client_side
    it('are resolved by the function given as an option', async () => {
      await using server = await startZeoServer({
        version,
        storage: 'mapping',
        clientConflictResolution: true,
      });
      await using storage = await ClientStorage.open({
        address: server.address,
        resolveConflict: ({ data }) => lengthRecord((data.at(-2) as number) + 100),
      });
      const oid = await storage.newOid();
      const commit = (serial: Uint8Array, value: number) =>
        storage.commit({}, (transaction) => transaction.store(oid, serial, lengthRecord(value)));
      const first = await commit(zeroId, 1);
      const second = await commit(first, 2);
      const third = await commit(first, 3);
      assert.deepEqual((await storage.load(oid)).data.at(-2), 103);
      assert.deepEqual((await storage.loadBefore(oid, third))?.serial, second);
      await using other = await ClientStorage.open(server.address);
      const late = other.commit({}, (transaction) => transaction.store(oid, first, lengthRecord(4)));
      await assert.rejects(late, { code: 'ERR_ZEO_CONFLICT' });
      await other.commit({}, (transaction) => transaction.store(oid, third, lengthRecord(4)));
    });
  });
}
