import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { describe, it } from 'node:test';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { formatId, idFromBigInt, parseId, zeroId } from '#src/zodb/ids.js';
import { openPythonClient } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';

const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const sizes = [1, 2, 255, 256, 65_535, 65_536, 1_000_000];
/**
 * Records of 64 MiB are tested once per server and once per encoding: the time that ZEO takes to receive a message is
 * quadratic in its length, and all four combinations would take a quarter of the suite's time.
 */
const largestOn = (version: string, encoding: 'Z5' | 'M5') =>
  (version === '6.2') === (encoding === 'M5') ? 64 * 1024 * 1024 : 8 * 1024 * 1024;

/** `testZEO.checkLargeUpdate`. One test file per encoding, to stay within the time limit of a file. */
export function tryLargeRecords(encoding: 'Z5' | 'M5'): void {
  for (const version of zeoVersions) {
    const { missing } = findZeo(version);
    const largest = largestOn(version, encoding);
    describe(`Records from one byte to ${largest / 2 ** 20} MiB on ZEO ${version} with ${encoding}`, {
      skip: missing,
    }, () => {
      it('are read as Python wrote them, and by Python as written here', async () => {
        await using server = await startZeoServer({ version, msgpack: encoding === 'M5' });
        const file = path.join(server.directory, 'Data.fs');
        const python = await openPythonClient(version, { address: [server.host, server.port] });
        try {
          const expected = new Map(
            await python.call<[oid: string, digest: string][]>('store_random', { sizes }),
          );
          // The largest bypasses Python's side of ZEO, whose time to receive a message is quadratic in its length.
          const theirs = formatId(idFromBigInt(1_000_000));
          await server.kill();
          const largestOfTheirs = { path: file, oid: theirs, size: largest };
          expected.set(theirs, await python.call('store_random_in_file', largestOfTheirs));
          await server.start();
          await using storage = await ClientStorage.open(server.address);
          const check = async (from: ClientStorage) => {
            for (const [oid, hash] of expected)
              assert.equal(digest((await from.load(parseId(oid))).data), hash);
          };
          await check(storage);

          const mine = new Map<string, string>();
          let largestOid = '';
          await storage.commit({}, async (transaction) => {
            for (const size of [...sizes, largest]) {
              const [oid, data] = [await storage.newOid(), randomBytes(size)];
              largestOid = formatId(oid);
              mine.set(largestOid, digest(data));
              await transaction.store(oid, zeroId, data);
            }
          });
          for (const each of mine) expected.set(...each);
          await using other = await ClientStorage.open(server.address);
          await check(other);
          assert.equal(
            await python.call('digest_in_file', { path: file, oid: largestOid }),
            mine.get(largestOid),
          );
          mine.delete(largestOid);
          assert.deepEqual(await python.call('digest', { oids: [...mine.keys()] }), [...mine.values()]);
          assert.equal(storage.generation, 1);
        } finally {
          await python.close();
        }
      });
    });
  }
}
