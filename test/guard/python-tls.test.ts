import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { openPythonClient, type PythonError } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { CertificateAuthority, type KeyPair } from '../tls/certificates.js';
import { startGuard } from './guarded.js';

const mebibyte = 1024 * 1024;

for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  describe(`Python clients of ZEO ${version} and a guard with TLS`, {
    skip: missing,
    timeout: 120_000,
  }, () => {
    let authority: CertificateAuthority;
    let own: KeyPair;
    let mine: KeyPair;
    before(async () => {
      authority = await CertificateAuthority.create();
      own = await authority.server();
      mine = await authority.client();
    });
    after(() => authority?.remove());

    for (const [where, ofClients, ofServers] of [
      ['on both sides', true, true],
      ['on its clients’ side', true, false],
      ['on its servers’ side', false, true],
      ['that it passes through', true, true],
    ] as const) {
      it(`share changes and large records with TLS ${where}, and are reset`, async (t) => {
        const server = await startZeoServer({
          version,
          ...(ofServers && {
            tls: { certificate: own.certFile, key: own.keyFile, authenticate: authority.certFile },
          }),
        });
        t.after(() => server.stop());
        const ca = authority.cert;
        const isPassed = where === 'that it passes through';
        const ended = {
          clients: ofClients ? { cert: own.cert, key: own.key, ca } : undefined,
          servers: ofServers ? { cert: mine.cert, key: mine.key, ca } : undefined,
        };
        const tls = isPassed ? { passThrough: true } : ended;
        const { agent, port } = await startGuard(t, [server.address], { period: 0.5, timeout: 2, tls });
        const deaths: unknown[] = [];
        agent.on('connectionDied', (event) => deaths.push(event));
        const open = async () => {
          const files = { ca: authority.certFile, cert: mine.certFile, key: mine.keyFile };
          const address = ['127.0.0.1', port] as const;
          const client = await openPythonClient(version, { address, ...(ofClients && { tls: files }) });
          t.after(() => client.kill());
          return client;
        };
        const one = await open();
        // Makes the root object, which the other one then finds.
        await one.call('open_db');
        const other = await open();
        await other.call('open_db');
        const tid = await one.call<string>('set', { key: 'greeting', value: 'hello' });
        await other.call('wait_invalidation', { tid });
        assert.equal(await other.call('get', { key: 'greeting' }), 'hello');
        const stored = await one.call<[string, string][]>('store_random', {
          sizes: [4 * mebibyte, 1, 70_000],
        });
        const oids = stored.map(([oid]) => oid);
        const digests = await other.call('digest', { oids });
        assert.deepEqual(
          digests,
          stored.map(([, digest]) => digest),
        );
        assert.deepEqual(deaths, []);
        const died = once(agent, 'connectionDied');
        server.signal('SIGSTOP');
        // One that its cache does not have.
        await assert.rejects(
          one.call('load', { oid: 'f'.repeat(16) }),
          (error: PythonError) => error.type === 'ZEO.Exceptions.ClientDisconnected',
        );
        const [{ address }] = await died;
        assert.equal(address, server.address);
        server.signal('SIGCONT');
      });
    }
  });
}
