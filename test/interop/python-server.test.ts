import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { openPythonClient, type PythonClient } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { type PythonZeoServer, startZeoServer } from '../support/python/zeo-server.js';

const root = new Uint8Array(8);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Our client on ZEO's own server, in each of its configurations. */
for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const storage of ['file', 'mapping'] as const) {
    for (const msgpack of [false, true]) {
      const name = `ClientStorage on ZEO ${version} with a ${storage} storage and ${msgpack ? 'M5' : 'Z5'}`;
      describe(name, { skip: missing }, () => {
        let server: PythonZeoServer;
        let python: PythonClient;
        before(async () => {
          server = await startZeoServer({ version, storage, msgpack });
          python = await openPythonClient(version, { address: [server.host, server.port] });
          await python.call('open_db');
        });
        after(async () => {
          await python?.close();
          await server?.stop();
        });
        const open = () =>
          ClientStorage.open({ address: server.address, clientLabel: 'ours', reconnectMaxDelay: 0.5 });

        it('opens, gets the storage’s properties, and pings', async () => {
          await using client = await open();
          const info = await client.getInfo();
          assert.equal(info.supportsUndo, storage === 'file');
          assert.equal(info.length, 1);
          assert.ok(info.interfaces.includes('ZODB.interfaces.IStorage'));
          await client.ping();
          assert.equal(client.ready, true);
          const status = await client.serverStatus();
          assert.equal(status.connections, 2);
          assert.equal(status['last-transaction'], hex(client.lastTransaction() as Uint8Array));
          await client.close();
          await server.waitForLog(/\(ours [^\n]*\) disconnected/);
        });

        it('gets the invalidations of a Python client’s commit, and loads it', async () => {
          await using client = await open();
          const before = await client.load(root);
          const invalidated = once(client, 'invalidated');
          const tid = await python.call<string>('set', { key: 'greeting', value: 'hello from Python' });
          const [event] = await invalidated;
          assert.equal(hex(event.tid), tid);
          assert.deepEqual(event.oids?.map(hex), [hex(root)]);
          const { data, serial } = await client.load(root);
          assert.equal(hex(serial), tid);
          assert.match(Buffer.from(data).toString('latin1'), /hello from Python/);
          const past = await client.loadBefore(root, serial);
          assert.deepEqual(past && [hex(past.serial), past.endTid && hex(past.endTid)], [
            hex(before.serial),
            tid,
          ]);
          assert.equal(hex(await client.fetchLastTransaction()), tid);
        });

        it('rejects loading a missing object, and opening an unknown storage', async () => {
          await using client = await open();
          await assert.rejects(client.load(Uint8Array.from([9, 9, 9, 9, 9, 9, 9, 9])), {
            code: 'ERR_ZEO_POS_KEY',
          });
          const nope = ClientStorage.open({ address: server.address, storage: 'nope' });
          await assert.rejects(nope, { code: 'ERR_ZEO_UNKNOWN_STORAGE' });
        });

        // A mapping storage is empty after a restart.
        if (storage === 'file') {
          it('gets what it missed during a restart before it is ready again', async () => {
            await using client = await open();
            const generation = client.generation;
            const order: string[] = [];
            client.on('invalidated', ({ tid, oids }) => order.push(`${hex(tid)} ${oids?.map(hex)}`));
            client.on('connected', () => order.push('connected'));
            const gone = once(client, 'disconnected');
            await server.kill();
            await gone;
            const missed = {
              path: path.join(server.directory, 'Data.fs'),
              key: 'greeting',
              value: 'while away',
            };
            const tid = await python.call<string>('commit_to_file', missed);
            const connected = once(client, 'connected');
            await server.start();
            await connected;
            assert.deepEqual(order, [`${tid} ${hex(root)}`, 'connected']);
            assert.equal(client.generation, generation + 1);
            assert.match(Buffer.from((await client.load(root)).data).toString('latin1'), /while away/);
          });
        }
      });
    }
  }

  describe(`ClientStorage on a read-only ZEO ${version}`, { skip: missing }, () => {
    let server: PythonZeoServer;
    before(async () => {
      server = await startZeoServer({ version, storage: 'mapping', readOnly: true });
    });
    after(() => server?.stop());

    it('is rejected if it wants to write', async () => {
      await assert.rejects(ClientStorage.open({ address: server.address }), { code: 'ERR_ZEO_READ_ONLY' });
    });

    it('is accepted with readOnly or with readOnlyFallback', async () => {
      await using reader = await ClientStorage.open({ address: server.address, readOnly: true });
      await using fallback = await ClientStorage.open({ address: server.address, readOnlyFallback: true });
      for (const client of [reader, fallback]) {
        assert.equal(client.isReadOnly(), true);
        await client.ping();
      }
    });
  });
}
