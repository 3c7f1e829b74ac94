import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { mappingRecord } from '../interop/records.js';
import { oid } from '../zeo/server/records.js';
import { RunningCommand, run } from './command.js';

describe('zeo-keepalive serve', { timeout: 120_000 }, () => {
  it('serves its storages in memory, says so, and ends at SIGTERM', async () => {
    const command = new RunningCommand(['serve', '--listen', '0', '--storage', 'main', '--storage', 'users']);
    const line = await command.line(/./);
    const [, address = ''] =
      /^serves storages main, users on (127\.0\.0\.1:\d+), in memory: what is stored is lost when it ends$/.exec(
        line,
      ) ?? [];
    for (const storage of ['main', 'users']) {
      await using client = await ClientStorage.open({ address, storage, waitTimeout: 10 });
      await client.commit({}, (transaction) =>
        transaction.store(oid(1), oid(0), mappingRecord({ title: storage })),
      );
      assert.deepEqual(
        Buffer.from((await client.load(oid(1))).data),
        Buffer.from(mappingRecord({ title: storage })),
      );
    }
    await assert.rejects(ClientStorage.open({ address }), { code: 'ERR_ZEO_UNKNOWN_STORAGE' });
    command.kill('SIGTERM');
    const { code, stdout, stderr } = await command.ended();
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /\nended by SIGTERM\n$/);
  });

  it('warns of an address that other machines can reach', async () => {
    const command = new RunningCommand(['serve', '--listen', '0.0.0.0:0']);
    await command.line(/^every machine that can reach this address may read and write/);
    command.kill('SIGTERM');
    assert.equal((await command.ended()).code, 0);
  });

  it('does not start where its port is in use', async () => {
    await using taken = await ZeoServer.listen();
    const { code, stderr } = await run(['serve', '--listen', taken.address]);
    assert.deepEqual([code, stderr], [1, `error: Cannot serve on ${taken.address}: the port is in use\n`]);
  });
});
