import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { PythonGlobal } from '#src/python/global.js';
import { PythonObject } from '#src/python/object.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { formatId, idFromBigInt, parseId, zeroId } from '#src/zodb/ids.js';
import { openPythonClient } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';

const oid = formatId(idFromBigInt(1_000_000));

/** ZEO's own server cannot send them as msgpack, and its own client rejects them. */
for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  describe(`Python objects in the extension of a transaction, on ZEO ${version} with Z5`, {
    skip: missing,
  }, () => {
    // Not in ZEO: its client rejects the whole reply (asyncio/marshal.py: find_global)
    it('are returned as data wherever transactions are described', async () => {
      await using server = await startZeoServer({ version });
      const python = await openPythonClient(version, { address: [server.host, server.port] });
      try {
        // Written to the file, because the server rejects them, too.
        await server.kill();
        await python.call('store_dated_in_file', { path: path.join(server.directory, 'Data.fs'), oid });
        await server.start();
      } finally {
        await python.close();
      }
      await using storage = await ClientStorage.open(server.address);
      const check = ({
        when,
        price,
        tags,
        order,
        kind,
        n,
      }: {
        readonly [name: string]: Value | undefined;
      }) => {
        const called = [when, price, tags].map((value) => {
          assert.ok(value instanceof PythonObject);
          return [String(value.class), value.args];
        });
        const date = Uint8Array.of(0x07, 0xea, 1, 2, 3, 4, 0, 0, 0, 0);
        assert.deepEqual(
          called.map(([name]) => name),
          ['datetime.datetime', 'decimal.Decimal', 'builtins.set'],
        );
        assert.deepEqual(
          called.map(([, args]) => args),
          [[date], ['1.50'], [['a']]],
        );
        assert.ok(order instanceof PythonObject);
        assert.deepEqual(order.entries, new Map([['a', 1]]));
        assert.deepEqual(kind, new PythonGlobal('datetime', 'date'));
        assert.equal(n, 1);
      };
      const [undone] = await storage.undoLog(0, 1);
      const [written] = await storage.history(parseId(oid));
      assert.ok(undone && written);
      check(undone.extension);
      check(written.extension);
      for await (const { tid, extension } of storage.iterator(written.tid)) {
        assert.deepEqual(tid, written.tid);
        check(extension);
      }
      assert.equal(await storage.outcomeOf({ commitId: 'nobody’s', since: zeroId }), undefined);
      assert.equal(storage.generation, 1);
    });
  });
}
