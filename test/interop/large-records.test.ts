import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { ClientStorage } from '../../src/zeo/client-storage.js';
import { formatId, parseId, zeroId } from '../../src/zeo/ids.js';
import { openPythonClient } from '../python/client.js';
import { findZeo, zeoVersions } from '../python/environments.js';
import { startZeoServer } from '../python/zeo-server.js';

const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const sizes = [1, 2, 255, 256, 65_535, 65_536, 1_000_000, 64 * 1024 * 1024];
/** Python takes seconds for it, and many of them on a busy machine. In milliseconds. */
const slowly = 60_000;

// testZEO.checkLargeUpdate
for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const msgpack of [false, true]) {
    const name = `Records from one byte to 64 MiB on ZEO ${version} with ${msgpack ? 'M5' : 'Z5'}`;
    describe(name, { skip: missing }, () => {
      it('are what Python wrote, and what Python reads', async () => {
        await using server = await startZeoServer({ version, msgpack });
        const python = await openPythonClient(version, { address: [server.host, server.port] });
        try {
          await using storage = await ClientStorage.open(server.address);
          const digestsOf = (oids: readonly string[]) =>
            Promise.all(oids.map(async (oid) => digest((await storage.load(parseId(oid))).data)));

          const { stored } = await python.call<{ stored: [oid: string, digest: string][] }>(
            'store_random',
            { sizes },
            slowly,
          );
          await storage.sync();
          const theirs = stored.map(([oid]) => oid);
          assert.deepEqual(
            await digestsOf(theirs),
            stored.map(([, expected]) => expected),
          );

          const mine: string[] = [];
          const expected: string[] = [];
          await storage.commit({}, async (transaction) => {
            for (const size of sizes) {
              const [oid, data] = [await storage.newOid(), randomBytes(size)];
              mine.push(formatId(oid));
              expected.push(digest(data));
              await transaction.store(oid, zeroId, data);
            }
          });
          assert.deepEqual(await python.call('digest', { oids: mine }, slowly), expected);
          assert.deepEqual(await digestsOf(mine), expected);
          assert.equal(storage.generation, 1);
        } finally {
          await python.close();
        }
      });
    });
  }
}
