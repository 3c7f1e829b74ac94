import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { idFromBigInt, idToBigInt, zeroId } from '#src/zodb/ids.js';
import { findZeo } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { mappingRecord } from './records.js';

const version = '6.2';
const { missing } = findZeo(version);

for (const msgpack of [false, true]) {
  describe(`Replies over maxFrameBytes on ZEO ${version} with ${msgpack ? 'M5' : 'Z5'}`, {
    skip: missing,
  }, () => {
    // Not in ZEO: it accepts frames of any length
    it('fail any kind of call, and the connection is kept', async () => {
      await using server = await startZeoServer({ version, msgpack });
      await using storage = await ClientStorage.open({ address: server.address, maxFrameBytes: 10_000 });
      await using writer = await ClientStorage.open(server.address);
      const [large, small] = [await writer.newOid(), await writer.newOid()];
      const [data, fits] = [randomBytes(1_000_000), mappingRecord({ fits: true })];
      const tid = await writer.commit({}, async (transaction) => {
        await transaction.store(large, zeroId, data);
        await transaction.store(small, zeroId, fits);
      });
      await storage.sync();
      const tooLarge = { code: 'ERR_ZEO_FRAME_TOO_LARGE', retryable: false, message: /limit is 10000/ };
      const drain = async (items: AsyncIterable<unknown>) => {
        for await (const _ of items);
      };
      for (const attempt of [
        () => storage.load(large),
        () => storage.loadBefore(large, idFromBigInt(idToBigInt(tid) + 1n)),
        () => storage.loadSerial(large, tid),
        () => drain(storage.currentRecords()),
        async () => {
          for await (const transaction of storage.iterator(tid)) await drain(transaction);
        },
      ]) {
        const [, loaded] = await Promise.all([assert.rejects(attempt(), tooLarge), storage.load(small)]);
        assert.deepEqual(Buffer.from(loaded.data), Buffer.from(fits));
      }
      // The other direction: nothing is sent, and the transaction is unchanged.
      await storage.commit({}, async (transaction) => {
        await assert.rejects(transaction.store(large, tid, data), tooLarge);
        await transaction.store(small, tid, mappingRecord({ fits: 'still' }));
      });
      assert.match(Buffer.from((await storage.load(small)).data).toString('latin1'), /still/);
      assert.equal(storage.generation, 1);
    });
  });
}
