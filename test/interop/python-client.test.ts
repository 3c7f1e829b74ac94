import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ZeoServer } from '#src/zeo/server/index.js';
import { openPythonClient, type PythonClient, PythonError } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';

/** ZEO's own clients against the embedded server. A Python process takes half a second to start, so there are few. */
for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const encoding of ['Z5', 'M5'] as const) {
    describe(`ZEO ${version}’s own client on the embedded server with ${encoding}`, { skip: missing }, () => {
      const open = (server: ZeoServer, label: string) =>
        openPythonClient(version, { address: [server.host, server.port], label });
      const close = (...clients: PythonClient[]) => Promise.all(clients.map((client) => client.close()));

      it('registers, makes calls and gets their replies', async () => {
        await using server = await ZeoServer.listen({ encoding });
        const client = await open(server, 'a python');
        const [connection] = server.connections;
        assert.equal(await client.call('ping'), null);
        assert.equal(connection?.label, 'a python');
        assert.equal(connection?.storageId, '1');
        const info = await client.call<Record<string, unknown>>('call', { method: 'get_info' });
        assert.equal(info.name, '1');
        const status = await client.call<Record<string, unknown>>('server_status');
        assert.equal(status.connections, 1);
        assert.equal(status['last-transaction'], '0000000000000000');
        assert.equal(await client.call('new_oid'), '0000000000000001');
        await assert.rejects(client.call('load', { oid: '0000000000000063' }), {
          type: 'ZODB.POSException.POSKeyError',
        });
        await close(client);
      });

      it('commits through ZODB; another client gets invalidations, conflicts', async () => {
        await using server = await ZeoServer.listen({ encoding });
        const one = await open(server, 'one');
        const two = await open(server, 'two');
        assert.deepEqual(await one.call('open_db'), []);
        const oids = await one.call<string[]>('add_objects', { count: 20 });
        assert.equal(server.storage().length, 21);
        assert.deepEqual(await two.call('open_db'), ['children']);
        assert.deepEqual(await two.call('read_objects'), [...Array(20).keys()]);
        assert.equal(new Set(oids).size, 20);

        const tid = await one.call<string>('set', { key: 'greeting', value: 'hello', note: 'why' });
        assert.equal(tid, Buffer.from(server.storage().lastTransaction).toString('hex'));
        assert.deepEqual(await two.call('wait_invalidation', { tid }), ['0000000000000000']);
        assert.equal(await two.call('get', { key: 'greeting' }), 'hello');
        assert.equal(
          Buffer.from(server.storage().transactions.at(-1)?.meta.description as Uint8Array).toString(),
          'why',
        );

        await one.call('begin');
        await two.call('set', { key: 'greeting', value: 'from two' });
        await one.call('stage', { key: 'greeting', value: 'from one' });
        await assert.rejects(one.call('commit'), (error) => {
          assert.ok(error instanceof PythonError);
          assert.equal(error.type, 'ZODB.POSException.ConflictError');
          assert.match(error.message, /class persistent\.mapping\.PersistentMapping/);
          return true;
        });
        assert.equal(await one.call('get', { key: 'greeting' }), 'from two');
        await close(one, two);
      });

      it('reconnects after a restart, and gets what it missed', async () => {
        const server = await ZeoServer.listen({ encoding });
        const client = await open(server, 'patient');
        await client.call('open_db');
        await client.call('set', { key: 'greeting', value: 'old' });
        assert.equal(await client.call('get', { key: 'greeting' }), 'old');
        const root = server.storage().loadBefore(new Uint8Array(8), new Uint8Array(8).fill(0x7f))?.data;
        assert.ok(root);
        await server.close();
        await client.call('wait_disconnected', { count: 1 });
        const changed = Buffer.from(Buffer.from(root).toString('latin1').replace('old', 'new'), 'latin1');
        const tid = server.storage().commit([{ oid: new Uint8Array(8), data: changed }]);
        await using again = await ZeoServer.listen({
          encoding,
          port: server.port,
          storages: server.storages,
        });
        await client.call('wait_connected');
        assert.equal(await client.call('last_transaction'), Buffer.from(tid).toString('hex'));
        assert.equal(await client.call('get', { key: 'greeting' }), 'new');
        assert.equal(again.connections.size, 1);
        await close(client);
      });

      it('is rejected by a read-only server, unless it connects read-only', async () => {
        await using server = await ZeoServer.listen({ encoding, readOnly: true });
        const address = [server.host, server.port] as const;
        const reader = await openPythonClient(version, { address, readOnlyFallback: true });
        assert.equal(
          [...server.connections].some(({ readOnly, storageId }) => readOnly && storageId === '1'),
          true,
        );
        await close(reader);
      });
    });
  }
}
