import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { openPythonClient, type PythonError } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { startGuard } from './guarded.js';
import { openPair } from './python-pair.js';
import { type ReplicaOptions, startReplicas } from './replicas.js';

const period = 0.5;
const timeout = 1;
const mebibyte = 1024 * 1024;

/** A client that a guard has connected to the first of two replicas. */
async function replicated(t: TestContext, options: ReplicaOptions) {
  const { first, second, oids } = await startReplicas(t, options);
  const guarded = await startGuard(t, [first.address, second.address], { period, timeout });
  const client = await openPythonClient(options.version, { address: ['127.0.0.1', guarded.port] });
  t.after(() => client.kill());
  return { first, second, guarded, client, oids };
}

for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const msgpack of [false, true]) {
    const what = `ZEO ${version} with ${msgpack ? 'M5' : 'Z5'}`;
    describe(`A Python client of ${what} behind a guard`, { skip: missing, timeout: 120_000 }, () => {
      it('has its load fail soon when the server is stopped, and is served by another', async (t) => {
        const { first, second, guarded, client, oids } = await replicated(t, { version, msgpack });
        const [died, down] = [once(guarded.agent, 'connectionDied'), once(guarded.frontend, 'serverDown')];
        await once(guarded.agent, 'pingSucceeded');
        first.signal('SIGSTOP');
        const load = client.call('load', { oid: oids[0] });
        await assert.rejects(
          load,
          (error: PythonError) => error.type === 'ZEO.Exceptions.ClientDisconnected',
        );
        const [{ diagnosis, address }] = await died;
        assert.equal(address, first.address);
        assert.match(diagnosis, /^(?:peer-hangs|unknown)$/);
        assert.equal((await down)[0].name, first.address);
        await client.call('wait_connected');
        const loaded = await client.call('load', { oid: oids[0] });
        assert.ok(loaded);
        assert.equal(guarded.relays.at(-1)?.address, second.address);
        const up = once(guarded.frontend, 'serverUp');
        first.signal('SIGCONT');
        assert.equal((await up)[0].name, first.address);
      });

      it('sees the changes of others, and large records unharmed both ways', async (t) => {
        const server = await startZeoServer({ version, msgpack });
        t.after(() => server.stop());
        const { port, agent, relays } = await startGuard(t, [server.address], {
          period: 0.05,
          timeout: 5,
          pingMethod: msgpack ? 'get_info' : 'ping',
        });
        const deaths: unknown[] = [];
        agent.on('connectionDied', (event) => deaths.push(event));
        const sizes = [8 * mebibyte, 1, 70_000, 8 * mebibyte];
        await openPair(t, version, { address: ['127.0.0.1', port] }, sizes);
        assert.equal(relays.length, 2);
        assert.deepEqual(deaths, []);
      });
    });
  }

  describe(`A Python client of ZEO ${version} behind a guard`, { skip: missing, timeout: 60_000 }, () => {
    it('reads from a server that is read-only, when it may', async (t) => {
      const server = await startZeoServer({ version, readOnly: true });
      t.after(() => server.stop());
      const { port, agent, relays } = await startGuard(t, [server.address]);
      const options = { address: ['127.0.0.1', port], readOnlyFallback: true, label: 'reader' } as const;
      const client = await openPythonClient(version, options);
      t.after(() => client.kill());
      await once(agent, 'pingSucceeded');
      await client.call('ping');
      assert.equal(relays.at(-1)?.label, 'reader');
    });

    it('loads a record of 64 MiB, which takes longer than the timeout', async (t) => {
      // It drops a client that leaves more than that unread; by default as much as this record.
      const server = await ZeoServer.listen({ maxBufferedBytes: 128 * mebibyte });
      t.after(() => server.close());
      const oid = '0'.repeat(15).concat('1');
      const data = randomBytes(64 * mebibyte);
      server.storage().commit([{ oid: Buffer.from(oid, 'hex'), data }]);
      const { port, agent } = await startGuard(t, [server.address], { period: 0.1, timeout: 0.5 });
      const deaths: unknown[] = [];
      agent.on('connectionDied', (event) => deaths.push(event));
      const client = await openPythonClient(version, { address: ['127.0.0.1', port] });
      t.after(() => client.kill());
      const [digest] = await client.call<string[]>('digest', { oids: [oid] });
      assert.equal(digest, createHash('sha256').update(data).digest('hex'));
      assert.deepEqual(deaths, []);
    });
  });
}
