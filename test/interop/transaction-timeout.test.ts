import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { zeroId } from '#src/zodb/ids.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { mappingRecord } from './records.js';

for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  describe(`A server of ZEO ${version} with a transaction timeout`, { skip: missing }, () => {
    // TimeoutTests.checkTimeout, checkTimeoutAfterVote, checkTimeoutOnAbortNoLock. No vote succeeds afterwards: ZEO's server
    // does not release the commit lock of a connection that it has closed itself.
    it('aborts a slow transaction and closes its connection', async () => {
      await using server = await startZeoServer({ version, storage: 'mapping', transactionTimeout: 1 });
      await using storage = await ClientStorage.open(server.address);
      const oid = await storage.newOid();
      const late = await storage.tpcBegin();
      await late.store(oid, zeroId, mappingRecord({ is: 'late' }));
      await late.tpcVote();
      await once(storage, 'connected');
      await assert.rejects(late.tpcFinish(), { code: 'ERR_ZEO_DISCONNECTED' });
      await late.tpcAbort();
      await assert.rejects(storage.load(oid), { code: 'ERR_ZEO_POS_KEY' });
      await (await storage.tpcBegin()).tpcAbort();
      assert.equal(storage.generation, 2);
    });
  });
}
