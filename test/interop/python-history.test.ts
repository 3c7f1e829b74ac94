import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStorage, ZeoServer } from '#src/zeo/server/index.js';
import { openPythonClient, type PythonClient } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { CertificateAuthority } from '../tls/certificates.js';

interface Transaction {
  readonly tid: string;
  readonly status: string;
  readonly description: string;
  readonly records: readonly (readonly [oid: string, origin: string | null])[];
}

const rootOid = '0000000000000000';

/** What ZODB's tests require of a storage, for the embedded server through ZEO's own client. */
for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const encoding of ['Z5', 'M5'] as const) {
    describe(`A ZODB on ZEO ${version} and the embedded server with ${encoding}`, { skip: missing }, () => {
      const open = async (server: ZeoServer) => {
        const client = await openPythonClient(version, { address: [server.host, server.port] });
        await client.call('open_db');
        return client;
      };
      const close = (...clients: PythonClient[]) => Promise.all(clients.map((client) => client.close()));
      const set = (client: PythonClient, value: string, note = '') =>
        client.call<string>('set', { key: 'greeting', value, note });

      // ZODB/tests/TransactionalUndoStorage.py: checkSimpleTransactionalUndo, checkTwoObjectUndo; HistoryStorage.py.
      it('undoes and redoes transactions, and lists the history', async () => {
        await using server = await ZeoServer.listen({ encoding });
        const [one, other] = [await open(server), await open(server)];
        await set(one, 'hello', 'first');
        const second = await set(one, 'good bye', 'second');
        const undone = await one.call<string>('undo', { tids: [second], note: 'undo' });
        assert.equal(await one.call('get', { key: 'greeting' }), 'hello');
        await other.call('wait_invalidation', { tid: undone });
        assert.equal(await other.call('get', { key: 'greeting' }), 'hello');
        const redone = await other.call<string>('undo', { tids: [undone], note: 'redo' });
        assert.equal(await other.call('get', { key: 'greeting' }), 'good bye');

        const notes = async (method: string, params = {}) =>
          (await other.call<{ description: string }[]>(method, params)).map((entry) => entry.description);
        const all = ['redo', 'undo', 'second', 'first'];
        assert.deepEqual((await notes('undo_log')).slice(0, 4), all);
        assert.deepEqual(await notes('undo_info', { specification: { description: 'undo' } }), ['undo']);
        assert.deepEqual((await notes('history', { oid: rootOid })).slice(0, 4), all);
        const iterated = await other.call<Transaction[]>('iterate', { start: second });
        assert.deepEqual(
          iterated.map(({ tid, records }) => [tid, records.map(([, origin]) => origin)]),
          [
            [second, [null]],
            [undone, [iterated[0] && (await other.call<Transaction[]>('iterate')).at(-4)?.tid]],
            [redone, [second]],
          ],
        );
        await close(one, other);
      });

      // TransactionalUndoStorage.py: checkNotUndoable.
      it('gets an error when a later change prevents an undo', async () => {
        await using server = await ZeoServer.listen({ encoding });
        const client = await open(server);
        const first = await set(client, 'one');
        await set(client, 'two');
        await assert.rejects(client.call('undo', { tids: [first] }), /UndoError/);
        assert.equal(await client.call('get', { key: 'greeting' }), 'two');
        await close(client);
      });

      // PackableStorage.py: checkPackAllRevisions, checkPackWithMultiDatabaseReferences; IteratorStorage.py.
      it('packs old revisions, and can still read and write', async () => {
        await using server = await ZeoServer.listen({ encoding });
        const client = await open(server);
        const oids = await client.call<string[]>('add_objects', { count: 5 });
        for (const value of ['one', 'two', 'three']) await set(client, value);
        const last = await set(client, 'four');
        await client.call('pack');
        const left = await client.call<Transaction[]>('iterate');
        // What remains: the last state of the root, and the transaction that created the objects.
        assert.deepEqual(
          left.map(({ status, records }) => [status, records.length]),
          [
            ['p', 5],
            ['p', 1],
          ],
        );
        assert.equal(left.at(-1)?.tid, last);
        assert.deepEqual(await client.call('undo_log'), []);
        assert.deepEqual(
          (await client.call<[string, string][]>('current_records')).map(([oid]) => oid),
          [rootOid, ...oids].sort(),
        );
        await set(client, 'five');
        assert.deepEqual(await client.call('read_objects'), [0, 1, 2, 3, 4]);
        await close(client);
      });

      // IteratorStorage.py: IteratorDeepCompare; ZEO/tests/testZEO.py copies storages so.
      it('copies a whole storage, with ids, undos and deletions', async () => {
        await using server = await ZeoServer.listen({ encoding });
        const client = await open(server);
        await set(client, 'one');
        const two = await set(client, 'two');
        await client.call('undo', { tids: [two] });
        await client.call('add_objects', { count: 3 });
        await using copy = await ZeoServer.listen({ encoding });
        const copier = await openPythonClient(version, { address: [copy.host, copy.port] });
        await copier.call('copy_from', { address: [server.host, server.port] });
        assert.deepEqual(copy.storage().transactions, server.storage().transactions);
        assert.deepEqual(await copier.call('iterate'), await client.call('iterate'));
        await close(client, copier);
      });

      // ConflictResolution.py: checkResolve, with ZEO's `client-conflict-resolution`.
      it('resolves conflicts that the server leaves to it', async () => {
        await using server = await ZeoServer.listen({ encoding, clientConflictResolution: true });
        const [one, other] = [await open(server), await open(server)];
        await other.call('wait_invalidation', {
          tid: await one.call<string>('make_length', { key: 'count' }),
        });
        for (const client of [one, other]) {
          await client.call('begin');
          await client.call('stage_length', { key: 'count', by: client === one ? 3 : 4 });
        }
        await one.call('commit');
        await other.call('commit');
        assert.equal(await other.call('length', { key: 'count' }), 7);
        await close(one, other);
      });

      it('gets the record with which the server resolved a conflict', async () => {
        const storage = new MemoryStorage({ resolveConflict: ({ committedData }) => committedData });
        await using server = await ZeoServer.listen({ encoding, storages: new Map([['1', storage]]) });
        const [one, other] = [await open(server), await open(server)];
        await other.call('wait_invalidation', { tid: await set(one, 'old') });
        await one.call('begin');
        await one.call('stage', { key: 'greeting', value: 'mine' });
        await set(other, 'theirs');
        await one.call('commit');
        assert.equal(await one.call('get', { key: 'greeting' }), 'theirs');
        await close(one, other);
      });

      // ZEO/tests/testZEO.py: test_ssl.
      it('connects over TLS with a certificate that the server accepts', async () => {
        await using authority = await CertificateAuthority.create();
        const [own, mine] = [await authority.server(), await authority.client()];
        const tls = { key: own.key, cert: own.cert, ca: authority.cert };
        await using server = await ZeoServer.listen({ encoding, tls });
        const client = await openPythonClient(version, {
          address: [server.host, server.port],
          tls: { ca: authority.certFile, cert: mine.certFile, key: mine.keyFile },
        });
        await client.call('open_db');
        await set(client, 'safely');
        assert.equal(await client.call('get', { key: 'greeting' }), 'safely');
        await close(client);
      });
    });
  }
}
